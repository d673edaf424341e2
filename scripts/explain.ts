/** `npm run explain`: what an operation demands, who demands it, and what that means for a caller. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { Supergraph } from '@apollo/federation-internals'
import { parse, print, validate } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { decodeJwt } from 'jose'
import type { Authorizer } from '../gateway/authorization/authorizer.ts'
import { challengeOf } from '../gateway/authorization/challenge.ts'
import type { CompiledOperation } from '../gateway/authorization/compile-operation.ts'
import { declarationsIn } from '../gateway/authorization/declarations.ts'
import type { Declaration, FindDeclarations } from '../gateway/authorization/declarations.ts'
import type { AuthorizedOperation } from '../gateway/authorization/decisions.ts'
import { explainOperation } from '../gateway/authorization/explain-operation.ts'
import type {
  ExplainedField,
  ExplainedRequirement,
} from '../gateway/authorization/explain-operation.ts'
import { guardSupergraph } from '../gateway/authorization/guard-supergraph.ts'
import { SupergraphRefused } from '../gateway/authorization/supergraph-refused.ts'
import { grantedScopes } from '../subgraphs/kit/guards.ts'
import type { Claims } from '../subgraphs/kit/claims-header.ts'
import { readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { StartFailure } from '../subgraphs/kit/process/start-failure.ts'
import { runCommand } from './command.ts'
import { readSubgraphSources } from './explain/subgraph-sources.ts'

const usage = `
Usage: npm run explain -- --operation FILE [options]

Tells for each field of an operation what it demands, where that is declared, and whether the caller
gets it. Nothing is executed, and nobody is asked.

  --operation FILE      the GraphQL document
  --name NAME           the operation to explain, if the document has several
  --variables FILE      JSON; decides about @skip and @include
  --claims FILE         the caller's claims, as JSON; without claims and token: the anonymous caller
  --token TOKEN         an access token; its claims are read and believed, not verified
  --policy NAME         a policy that decides in favour; may be repeated. All others deny
  --default allow|deny  as authorization.default in gateway.yaml (default: allow)
  --supergraph FILE     the composed supergraph (default: supergraph.graphql)
  --subgraphs FILE      supergraph.yaml, for the lines in the subgraphs' schemas (default: what
                        the supergraph tells, else the one beside it)
  --format text|json    (default: text)
  --help                this text

Exit code: 0 when explained, whatever the decision; 1 when it cannot be explained.
`

interface Explanation {
  readonly caller: { subject: string; scopes: readonly string[] } | 'anonymous'
  readonly decision: AuthorizedOperation['outcome']
  readonly fields: readonly ExplainedField[]
  /** What would be planned and executed. */
  readonly executed: string | null
  readonly challenge: ReturnType<typeof challengeOf> | null
}

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
      default: { type: 'string', default: 'allow' },
      supergraph: { type: 'string', default: 'supergraph.graphql' },
      subgraphs: { type: 'string' },
      format: { type: 'string', default: 'text' },
    },
  })
  if (values.operation === undefined)
    throw new StartFailure('name a document with --operation FILE')
  const caller = { claims: callerClaims(values) }
  const { authorizer, apiSchema } = readGuarded(values.supergraph, {
    default: oneOf('--default', values.default, ['allow', 'deny']),
  })
  const format = oneOf('--format', values.format, ['text', 'json'])
  const document = readOperation(values.operation, apiSchema)
  const compiled = compile(authorizer, document, values.name)
  const granted = new Set(values.policy)
  const variables = values.variables ? readObject(values.variables) : {}
  const authorized = authorizer.authorize(compiled, caller, variables, granted)
  const find = await declarationsOf(values, authorizer)

  const explanation: Explanation = {
    caller: caller.claims
      ? { subject: caller.claims.sub, scopes: grantedScopes(caller.claims) }
      : 'anonymous',
    decision: authorized.outcome,
    fields: explainOperation(authorizer, compiled, {
      caller,
      granted,
      find,
    }),
    executed: 'document' in authorized ? print(authorized.document) : null,
    challenge: 'document' in authorized ? null : challengeOf(authorizer, authorized, caller),
  }
  console.log(format === 'json' ? JSON.stringify(explanation, null, 2) : asText(explanation))
})

function readGuarded(path: string, options: { default: 'allow' | 'deny' }) {
  try {
    const { authorizer, loadableSdl } = guardSupergraph(readText(path), options)
    const apiSchema = Supergraph.build(loadableSdl).apiSchema().toGraphQLJSSchema()
    return { authorizer, apiSchema }
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
    const [invalid] = validate(apiSchema, document)
    if (invalid) throw invalid
    return document
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause
    throw new StartFailure(`${path} does not fit the schema: ${(cause as Error).message}`, {
      cause,
    })
  }
}

function compile(authorizer: Authorizer, document: DocumentNode, name?: string): CompiledOperation {
  const names = document.definitions.flatMap((node) =>
    node.kind === 'OperationDefinition' ? [node.name?.value ?? 'without a name'] : [],
  )
  const fits = name === undefined ? names.length === 1 : names.includes(name)
  if (fits) return authorizer.compile(document, name)
  throw new StartFailure(`name one of the operations with --name: ${names.join(', ')}`)
}

function callerClaims({ claims, token }: { claims?: string; token?: string }): Claims | null {
  if (claims !== undefined && token !== undefined) {
    throw new StartFailure('--claims and --token exclude each other')
  }
  if (claims !== undefined) return asClaims(readObject(claims), claims)
  if (token === undefined) return null
  try {
    return asClaims(decodeJwt(token), 'the token')
  } catch (cause) {
    if (cause instanceof StartFailure) throw cause
    throw new StartFailure('the token is no JWT', { cause })
  }
}

function asClaims(value: Record<string, unknown>, where: string): Claims {
  if (typeof value.sub === 'string') return value as Claims
  throw new StartFailure(`${where} has no claim \`sub\``)
}

/** From the subgraphs' schemas where they are named, else from the supergraph, else from their usual place. */
async function declarationsOf(
  { supergraph, subgraphs }: { supergraph: string; subgraphs?: string },
  { declarations }: Authorizer,
): Promise<FindDeclarations | undefined> {
  if (subgraphs === undefined && declarations) return declarations
  const path = subgraphs ?? join(dirname(supergraph), 'supergraph.yaml')
  if (subgraphs === undefined && !existsSync(path)) return undefined
  return declarationsIn(await readSubgraphSources(resolve(path), readText(path), process.env))
}

function asText({ caller, decision, fields, executed, challenge }: Explanation): string {
  const who =
    caller === 'anonymous'
      ? 'anonymous'
      : `${caller.subject}, scopes: ${caller.scopes.join(' ') || 'none'}`
  const width = Math.max(...fields.map(({ path }) => labelOf(path).length)) + 2
  const lines = fields.flatMap((field) => {
    const [first = '', ...more] = field.requirements.map(requirementText)
    const label = labelOf(field.path).padEnd(width)
    const indent = ' '.repeat(width + 13)
    return [
      `${label}${field.decision.padEnd(13)}${first}`.trimEnd(),
      ...more.map((text) => indent + text),
    ]
  })
  return [`Caller: ${who}`, '', ...lines, '', ...conclusion(decision, executed, challenge)].join(
    '\n',
  )
}

function labelOf(path: readonly string[]): string {
  return `${'  '.repeat(path.length - 1)}${path.at(-1)}`
}

function requirementText(requirement: ExplainedRequirement): string {
  const { directive, met, because, at, declaredIn } = requirement
  const mark = met ? 'met:  ' : 'lacks:'
  const places = declaredIn.map(placeText).join(', ')
  if (because === 'the default') return `${mark} a token, since ${at} is not marked @public`
  const reason = because === 'the field' ? '' : `, ${because}`
  return `${mark} ${directive} on ${at}${reason} (${places || 'copied there by composition'})`
}

function placeText({ subgraph, file, line }: Declaration): string {
  return file === undefined ? subgraph : `${subgraph}, ${file}${line ? `:${line}` : ''}`
}

function conclusion(
  decision: AuthorizedOperation['outcome'],
  executed: string | null,
  challenge: Explanation['challenge'],
): string[] {
  if (executed !== null) {
    return decision === 'whole'
      ? ['Decision: the whole operation is executed.']
      : ['Decision: reduced. What is executed:', '', executed]
  }
  const because =
    decision === 'refused'
      ? 'a mutation is all or nothing, and a root field of it is denied'
      : 'each of its root fields is denied'
  const scopes = challenge && 'scopes' in challenge ? challenge.scopes : []
  const enough =
    scopes.length > 0 ? `; a token with these scopes would do: ${scopes.join(' ')}` : ''
  const answer = challenge ? ` HTTP status ${challenge.status}${enough}.` : ''
  return [`Decision: nothing is executed, since ${because}.${answer}`]
}

function readObject(path: string): Record<string, unknown> {
  const text = readText(path)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>
    }
  } catch {
    // Falls through: no JSON, no object.
  }
  throw new StartFailure(`${basename(path)} is no JSON object`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const { code = 'unknown reason' } = cause as NodeJS.ErrnoException
    const hint = path.endsWith('supergraph.graphql') ? ': make it with `npm run compose`' : ''
    throw new StartFailure(`${path} cannot be read (${code})${hint}`, { cause })
  }
}

function oneOf<const Word extends string>(
  option: string,
  given: string,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === given)
  if (word) return word
  throw new StartFailure(
    `${option} ${JSON.stringify(given)} is not known: give ${words.join(' or ')}`,
  )
}
