/**
 * An engine behind its guards. Apollo Server's pipeline executes through this: decide first, plan and
 * execute what is left, then answer in the shape that was asked for.
 */
import { HeaderMap } from '@apollo/server'
import type { ApolloServerOptions } from '@apollo/server'
import { GraphQLError, GraphQLSchema } from 'graphql'
import type { Logger } from 'pino'
import { grantedScopes } from '../subgraphs/kit/guards.ts'
import { answerWithDenials } from './authorization/answer-with-denials.ts'
import type { ResponseData } from './authorization/answer-with-denials.ts'
import type { Authorizer } from './authorization/authorizer.ts'
import type { GuardedOperation } from './authorization/guarded-operation.ts'
import { conditionValues } from './authorization/conditions.ts'
import type { Variables } from './authorization/conditions.ts'
import { challengeOf } from './authorization/challenge.ts'
import type { Challenge } from './authorization/challenge.ts'
import type { AuthorizedOperation } from './authorization/decisions.ts'
import type { Denial } from './authorization/denial.ts'
import { explainOperation } from './authorization/explain-operation.ts'
import { introspection } from './authorization/introspection.ts'
import type { IntrospectFor } from './authorization/introspection.ts'
import { placeDenials } from './authorization/place-denials.ts'
import type { DecidePolicies } from './authorization/policies.ts'
import { withStepUp } from './authorization/step-up.ts'
import type { StepUp } from './authorization/step-up.ts'
import type { ClientRequest } from './client-request.ts'
import type { OperationResult } from './execution/run-operation.ts'
import { nullCondition, variableErrors } from './execution/variable-errors.ts'
import { GatewayError } from './errors.ts'
import { pipelineError } from './http/client-errors.ts'
import { challenge } from './http/refusal.ts'
import { statusTells } from './http/media-type.ts'

/** The client's request, and its result where the short road has executed it already. */
export interface PipelineContext extends ClientRequest {
  executed?: OperationResult
}

/** What Apollo Server takes as its gateway. */
export type Engine = Extract<ApolloServerOptions<PipelineContext>, { gateway: unknown }>['gateway']

type Executor = NonNullable<Awaited<ReturnType<Engine['load']>>['executor']>
type PipelineRequest = Parameters<Executor>[0]
type Result = Awaited<ReturnType<Executor>>

export interface AuthorizedEngineParts {
  engine: Engine
  authorizer: Authorizer
  decidePolicies: DecidePolicies
  /** Who has this scope may ask for `extensions.authorization`. */
  explainScope: string | undefined
  realm: string
  log: Logger
}

export function authorizedEngine(parts: AuthorizedEngineParts): Engine {
  const { engine, authorizer, log } = parts
  const decidePolicies = withStepUp(authorizer.options.stepUp, parts.decidePolicies, Date.now)
  let apiSchema: GraphQLSchema | undefined
  let introspect: IntrospectFor | undefined

  return {
    onSchemaLoadOrUpdate: (callback) =>
      engine.onSchemaLoadOrUpdate((loaded) =>
        callback({ ...loaded, apiSchema: withoutSubscriptions(loaded.apiSchema) }),
      ),
    stop: () => engine.stop(),
    async load(options) {
      engine.onSchemaLoadOrUpdate((loaded) => {
        apiSchema = loaded.apiSchema
        introspect = introspection(authorizer, apiSchema)
      })
      const { executor } = await engine.load(options)
      return { executor: (request) => execute(request, executor!).catch(asPipelineError) }
    },
  }

  async function execute(request: PipelineRequest, executor: Executor): Promise<Result> {
    const { document, operationName, context } = request
    const { caller } = context as ClientRequest
    const variables = request.request.variables ?? {}
    const compiled = authorizer.compile(document, operationName)
    const errors = errorsBefore(compiled, variables)
    if (errors.length > 0) return { errors }
    const granted = await decideAll(compiled.policies, request)
    const authorized = authorizer.authorize(compiled, caller, variables, granted)

    const executed = await executeWhatIsLeft(authorized, request, executor)
    if (executed.data === undefined) return executed
    const { data, denials } = answerWithDenials(authorizer, authorized, {
      data: executed.data as ResponseData | null,
      caller,
      variables,
      ...(granted ? { granted } : {}),
      ...(introspect ? { introspect: introspect(compiled, caller, variables, granted) } : {}),
    })
    const result = explained({ ...executed, data }, request, granted)
    if (denials.length === 0) return result
    const { claims } = caller
    const paths = denials.map(({ path }) => path.join('.'))
    log.info({ operationName, sub: claims?.sub, denied: paths.slice(0, 20) }, 'fields denied')
    return denied(result, denials, authorized, request, granted)
  }

  /** What is executed of an operation that introspects lacks the variables that only that uses. */
  function errorsBefore(compiled: GuardedOperation, variables: Variables) {
    const valueOf = conditionValues(compiled, variables)
    const conditions = [...compiled.conditionVariables.keys()]
    const nulls = conditions.filter((name) => valueOf(name) === null).map(nullCondition)
    if (nulls.length > 0 || !compiled.introspects) return nulls
    return variableErrors(apiSchema!, compiled.operation.variableDefinitions ?? [], variables)
  }

  async function decideAll(
    policies: readonly string[],
    { context, operationName }: PipelineRequest,
  ) {
    if (policies.length === 0) return undefined
    const { caller, verifiedClaims = caller.claims } = context as ClientRequest
    return decidePolicies({ policies, claims: verifiedClaims, operationName })
  }

  /** An operation of which nothing is left has its HTTP status, for clients that want to see it. */
  function denied(
    result: Result,
    denials: readonly Denial[],
    authorized: AuthorizedOperation,
    { request, context }: PipelineRequest,
    granted: ReadonlySet<string> | undefined,
  ): Result {
    const errors = denials.map((denial) => graphqlError(denial))
    const { outcome } = authorized
    if (outcome === 'whole' || (outcome === 'reduced' && result.data !== null)) {
      return placeDenials(result, errors, authorizer.options.errors)
    }
    const accept = request.http?.headers.get('accept') ?? undefined
    if (!statusTells(accept)) return placeDenials(result, errors, 'errors')
    const { caller } = context as ClientRequest
    const http = refusalHead(challengeOf(authorizer, authorized, caller, granted), parts.realm)
    return placeDenials(result, [graphqlError(denials[0]!, { http }), ...errors.slice(1)], 'errors')
  }

  function explained(
    result: Result,
    { request, document, operationName, context }: PipelineRequest,
    granted: ReadonlySet<string> | undefined,
  ): Result {
    const { caller } = context as ClientRequest
    if (request.extensions?.authorization !== true || !parts.explainScope) return result
    if (!caller.claims || !grantedScopes(caller.claims).includes(parts.explainScope)) return result
    const compiled = authorizer.compile(document, operationName)
    const authorization = explainOperation(authorizer, compiled, {
      caller,
      ...(granted ? { granted } : {}),
    })
    return { ...result, extensions: { ...result.extensions, authorization } }
  }
}

/**
 * Subscriptions are not served, and a rule of graphql-js throws on those with conditions: by this
 * schema, they are validated no further. Introspection shows the whole one.
 */
function withoutSubscriptions(schema: GraphQLSchema): GraphQLSchema {
  if (!schema.getSubscriptionType()) return schema
  return new GraphQLSchema({ ...schema.toConfig(), subscription: undefined, assumeValid: true })
}

function asPipelineError(cause: unknown): never {
  throw cause instanceof GatewayError ? pipelineError(cause) : cause
}

/** The plan is kept by what is executed, never by what was asked. */
async function executeWhatIsLeft(
  authorized: AuthorizedOperation,
  request: PipelineRequest,
  executor: Executor,
): Promise<Result> {
  if (!('document' in authorized)) return { data: null }
  const { document, planKey } = authorized
  return executor({ ...request, document, queryHash: planKey })
}

/** Returns the denial as the pipeline wants it: locations and all, an Error. */
function graphqlError({ message, path, locations, extensions }: Denial, more = {}): GraphQLError {
  const error = new GraphQLError(message, { path, extensions: { ...extensions, ...more } })
  if (locations) Object.defineProperty(error, 'locations', { value: locations, enumerable: true })
  return error
}

/** RFC 6750 section 3.1: 401 for who may log in, 403 with the scopes for who has. */
function refusalHead(told: Challenge, realm: string) {
  const value = challengeText(told, realm)
  return { status: told.status, headers: new HeaderMap([['www-authenticate', value]]) }
}

function challengeText(told: Challenge, realm: string): string {
  if ('scopes' in told) {
    const message = 'The access token does not suffice'
    const more = told.scopes.length > 0 ? { scope: told.scopes.join(' ') } : {}
    return challenge({ challenge: 'insufficient_scope', message }, realm, more)
  }
  if ('login' in told) {
    const message = 'A stronger or more recent login is needed'
    return challenge(
      { challenge: 'insufficient_user_authentication', message },
      realm,
      loginAttributes(told.login),
    )
  }
  return challenge({ challenge: 'without error', message: '' }, realm)
}

/** RFC 9470 section 3. */
function loginAttributes({ acrValues, maxAge }: StepUp): Record<string, string> {
  return {
    ...(acrValues.length > 0 ? { acr_values: acrValues.join(' ') } : {}),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
  }
}
