/** `npm run explain`: reports what an operation requires, where that is declared, and what a caller gets. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Supergraph } from '@apollo/federation-internals'
import { getOperationAST, parse, print, validate } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { denialsOf, notExecuted } from '../gateway/authorization/denied-result.ts'
import type { AuthorizedRequest } from '../gateway/authorization/denied-result.ts'
import { defaultAuthorization } from '../gateway/authorization/authorization-options.ts'
import type { AuthorizationOptions } from '../gateway/authorization/authorization-options.ts'
import type { Authorizer } from '../gateway/authorization/authorizer.ts'
import type { Caller } from '../gateway/client-request.ts'
import { challengeOf } from '../gateway/authorization/challenge.ts'
import type { Challenge } from '../gateway/authorization/challenge.ts'
import type { GuardedOperation } from '../gateway/authorization/guarded-operation.ts'
import { declarationsIn } from '../gateway/authorization/declarations.ts'
import type { FindDeclarations } from '../gateway/authorization/declarations.ts'
import { explainOperation } from '../gateway/authorization/explain-operation.ts'
import { guardSupergraph } from '../gateway/authorization/guard-supergraph.ts'
import { withStepUp } from '../gateway/authorization/step-up.ts'
import { SupergraphRefused } from '../gateway/authorization/supergraph-refused.ts'
import { readConfig } from '../gateway/configuration/read-config.ts'
import type { GatewayConfig } from '../gateway/configuration/gateway-config.ts'
import { withDefer, withoutDefer } from '../gateway/operations/defer-directive.ts'
import { grantedScopes } from '../subgraphs/kit/guards.ts'
import { choiceOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { productCommand } from '../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { callerClaims } from './explain/caller-claims.ts'
import { explainSubscription } from './explain/explain-subscription.ts'
import { explanationText } from './explain/explanation-text.ts'
import type { Explanation, Refusal } from './explain/explanation-text.ts'
import { limitsOf } from './explain/limits-of.ts'
import { planOf } from './explain/plan-of.ts'
import { readObject, readText } from './explain/read-file.ts'
import { readSubgraphSources } from './explain/subgraph-sources.ts'

const usage = `
Usage: ${productCommand('explain', '--operation FILE [options]')}

Reports for each field of an operation what it requires, where that is declared, and whether the caller
gets it; then its plan: what is fetched from which subgraph, in which order, and for a subscription which
subgraph sends its events; then its cost and size. Nothing is executed, and no policy service is called.

  --operation FILE      the GraphQL document
  --name NAME           the operation to explain, if the document has several
  --variables FILE      JSON; decides about @skip and @include
  --claims FILE         the caller's claims, as JSON; without claims and token: the anonymous caller
  --token TOKEN         an access token; its claims are read and believed, not verified
  --policy NAME         a policy that decides in favour; may be repeated. All others deny
  --config FILE         gateway.yaml: its authorization section and limits, how a token's issuer states
                        scopes, the policies of step_up, decided by the claims, and which clients share
                        a subscription. The next three override it
  --default allow|deny  as authorization.default (default: allow)
  --mode MODE           as authorization.mode: filter (the default), reject or dry_run
  --mutations RULE      as authorization.mutations: all_or_nothing (the default) or filter
  --supergraph FILE     the composed supergraph (default: supergraph.graphql)
  --subgraphs FILE      supergraph.yaml, for the lines in the subgraphs' schemas (default: what
                        the supergraph says, else the one beside it)
  --format text|json    (default: text)
  --help                prints this text

Exit code: 0 when explained, whatever the decision; 1 when it cannot be explained.
`

runCommand('explain', async () => {
  const { values } = readCommandLine({
    usage,
    options: {
      operation: { type: 'string' },
      name: { type: 'string' },
      variables: { type: 'string' },
      claims: { type: 'string' },
      token: { type: 'string' },
      policy: { type: 'string', multiple: true, default: [] },
      config: { type: 'string' },
      default: { type: 'string' },
      mode: { type: 'string' },
      mutations: { type: 'string' },
      supergraph: { type: 'string', default: 'supergraph.graphql' },
      subgraphs: { type: 'string' },
      format: { type: 'string', default: 'text' },
    },
  })
  const format = choiceOption('--format', values.format, ['text', 'json'])
  if (values.operation === undefined)
    throw new StartFailure('give a document with --operation FILE')
  const config = values.config === undefined ? undefined : readConfig(values.config, process.env)
  const caller = { claims: callerClaims(values, config) }
  const options = authorizationOptions(values, config)
  const { supergraph, authorizer, apiSchema, loadableSdl } = readGuarded(values.supergraph, options)
  const written = readOperation(values.operation, apiSchema)
  const document = withoutDefer(written)
  const compiled = compile(authorizer, document, values.name)
  const granted = await grantedPolicies(compiled, caller, values.policy, options)
  const variables = values.variables ? readObject(values.variables) : {}
  const authorized = authorizer.authorize(compiled, caller, variables, granted)
  const challenge =
    'document' in authorized ? null : challengeOf(authorizer, authorized, caller, granted)
  const find = await declarationsOf(values, authorizer)
  const plan =
    'document' in authorized
      ? await planOf(loadableSdl, authorized.document, values.name, config)
      : null

  const explanation: Explanation = {
    caller: caller.claims
      ? { subject: caller.claims.sub, scopes: grantedScopes(caller.claims) }
      : 'anonymous',
    mode: options.mode,
    mutations: options.mutations,
    decision: authorized.outcome,
    fields: explainOperation(authorizer, compiled, { caller, granted, find }),
    executed: 'document' in authorized ? print(authorized.document) : null,
    plan,
    subscription:
      'document' in authorized && isSubscription(authorized.document, values.name)
        ? explainSubscription(plan, config)
        : null,
    limits: limitsOf({
      supergraph,
      apiSchema,
      document: written,
      operationName: values.name,
      variables,
      request: { authorized, caller, granted },
      config,
    }),
    response: challenge && refusalOf(authorizer, { authorized, caller, granted }, challenge),
    challenge,
  }
  console.log(
    format === 'json' ? JSON.stringify(explanation, null, 2) : explanationText(explanation),
  )
})

/** From gateway.yaml, if given, and from the command line. */
function authorizationOptions(
  values: { default?: string; mode?: string; mutations?: string },
  config: GatewayConfig | undefined,
): AuthorizationOptions {
  const configured = config?.authorization ?? defaultAuthorization
  return {
    ...configured,
    default: choiceOption('--default', values.default ?? configured.default, ['allow', 'deny']),
    mode: choiceOption('--mode', values.mode ?? configured.mode, ['filter', 'reject', 'dry_run']),
    mutations: choiceOption('--mutations', values.mutations ?? configured.mutations, [
      'all_or_nothing',
      'filter',
    ]),
    // The reader is an operator, not the client that they are hidden from.
    showRequirements: true,
  }
}

/** The policies that are given as granted, and those about the login that the claims satisfy. */
async function grantedPolicies(
  { policies }: GuardedOperation,
  { claims }: Caller,
  named: readonly string[],
  { stepUp }: AuthorizationOptions,
): Promise<ReadonlySet<string>> {
  const noOthers = async () => new Set<string>()
  const decided = await withStepUp(stepUp, noOthers, Date.now)({ policies, claims })
  return new Set([...named, ...decided])
}

function isSubscription(document: DocumentNode, name?: string): boolean {
  return getOperationAST(document, name)?.operation === 'subscription'
}

/** Returns the gateway's response to an operation of which nothing is executed. */
function refusalOf(
  authorizer: Authorizer,
  request: AuthorizedRequest,
  { status }: Challenge,
): Refusal {
  const [denial] = denialsOf(authorizer, request, notExecuted)
  return {
    code: denial!.extensions.code,
    status: { 'application/graphql-response+json': status, 'application/json': 200 },
  }
}

function readGuarded(path: string, options: AuthorizationOptions) {
  try {
    const supergraph = readText(path)
    const { authorizer, loadableSdl } = guardSupergraph(supergraph, options)
    const apiSchema = Supergraph.build(loadableSdl).apiSchema().toGraphQLJSSchema()
    return { supergraph, authorizer, apiSchema, loadableSdl }
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause
    const why = (cause as Error).message
    const sentence = cause instanceof SupergraphRefused ? why : `it is no supergraph: ${why}`
    throw new StartFailure(`${path} cannot be used: ${sentence}`, { cause })
  }
}

function readOperation(path: string, apiSchema: GraphQLSchema): DocumentNode {
  try {
    const document = parse(readText(path))
    const [invalid] = validate(withDefer(apiSchema), document)
    if (invalid) throw invalid
    return document
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause
    throw new StartFailure(`${path} does not fit the schema: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function compile(authorizer: Authorizer, document: DocumentNode, name?: string): GuardedOperation {
  const names = document.definitions.flatMap((node) =>
    node.kind === 'OperationDefinition' ? [node.name?.value ?? 'without a name'] : [],
  )
  const fits = name === undefined ? names.length === 1 : names.includes(name)
  if (fits) return authorizer.compile(document, name)
  throw new StartFailure(`name one of the operations with --name: ${names.join(', ')}`)
}

/** From the given schemas of the subgraphs, else from the supergraph, else from their default place. */
async function declarationsOf(
  { supergraph, subgraphs }: { supergraph: string; subgraphs?: string },
  { declarations }: Authorizer,
): Promise<FindDeclarations | undefined> {
  if (subgraphs === undefined && declarations) return declarations
  const path = subgraphs ?? join(dirname(supergraph), 'supergraph.yaml')
  if (subgraphs === undefined && !existsSync(path)) return undefined
  return declarationsIn(await readSubgraphSources(resolve(path), readText(path), process.env))
}
