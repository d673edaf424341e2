/** Real subgraphs, composed, guarded, planned and executed by a real engine, in one process. */
import { answered, parsed } from '../../support/response-bytes.ts'
import { composeServices } from '@apollo/composition'
import { buildSubgraphSchema } from '@apollo/subgraph'
import { pino } from 'pino'
import { defaultFieldResolver, graphql, isObjectType, parse, validate } from 'graphql'
import type { DocumentNode, GraphQLFieldResolver, GraphQLSchema } from 'graphql'
import {
  denialsOf,
  notExecuted,
  resultWithDenials,
} from '../../../gateway/authorization/denied-result.ts'
import type { AuthorizationOptions } from '../../../gateway/authorization/authorization-options.ts'
import type { AuthorizedOperation } from '../../../gateway/authorization/decisions.ts'
import type { Denial } from '../../../gateway/authorization/denial.ts'
import { introspection } from '../../../gateway/authorization/introspection.ts'
import { guardSupergraph } from '../../../gateway/authorization/guard-supergraph.ts'
import type { GuardedSupergraph } from '../../../gateway/authorization/guard-supergraph.ts'
import { apolloExecutor } from '../../../gateway/supergraph/apollo-executor.ts'
import type { Executor } from '../../../gateway/supergraph/executor.ts'
import { nativeExecutor } from '../../../gateway/supergraph/native-executor.ts'
import type { FetchSubgraph } from '../../../gateway/execution/subgraph-request.ts'
import type { Claims } from '../../../subgraphs/kit/claims-header.ts'

process.env.APOLLO_TELEMETRY_DISABLED = 'true'

export interface TestSubgraph {
  /** What follows the @link of the federation directives. */
  typeDefs: string
  resolvers?: Record<string, Record<string, unknown>>
}

export interface Question {
  claims?: Claims | null
  variables?: Record<string, unknown>
  operationName?: string
  granted?: string[]
}

export interface Answer {
  data: Record<string, unknown> | null
  errors: Denial[]
  extensions?: Record<string, unknown>
  outcome: AuthorizedOperation['outcome']
  authorized: AuthorizedOperation
  /** What the engine reported by itself. */
  engineErrors: readonly unknown[]
  /** Every field that a subgraph resolved for this question: `users:User.email`. */
  resolved: string[]
}

export interface GuardedGraph extends GuardedSupergraph {
  supergraphSdl: string
  apiSchema: GraphQLSchema
  ask(query: string | DocumentNode, question?: Question): Promise<Answer>
}

export const federationLink =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ' +
  '["@key", "@shareable", "@requires", "@provides", "@external", "@interfaceObject", ' +
  '"@authenticated", "@requiresScopes", "@policy", "@composeDirective"])\n'

export const publicLink =
  'extend schema @link(url: "https://portcullis.dev/authorization/v0.1", import: ["@public"]) ' +
  '@composeDirective(name: "@public")\n' +
  'directive @public on OBJECT | INTERFACE | FIELD_DEFINITION\n'

/** Returns the claims of a caller with these scopes. */
export function withScopes(...scopes: string[]): Claims {
  return { sub: 'somebody', scope: scopes.join(' ') }
}

const composed = new WeakMap<object, string>()

/** Returns the supergraph; the same subgraphs are composed once. */
export function compose(subgraphs: Record<string, TestSubgraph>): string {
  const known = composed.get(subgraphs)
  if (known) return known
  const services = Object.entries(subgraphs).map(([name, { typeDefs }]) => ({
    name,
    url: `http://${name}`,
    typeDefs: parse(typeDefs),
  }))
  const { supergraphSdl, errors } = composeServices(services)
  if (!supergraphSdl) throw new Error(errors?.map(({ message }) => message).join('\n'))
  composed.set(subgraphs, supergraphSdl)
  return supergraphSdl
}

/** Returns the graph; `rewrite` changes the composed supergraph, to play another composer. */
export async function guardedGraph(
  subgraphs: Record<string, TestSubgraph>,
  options: Partial<AuthorizationOptions> = {},
  rewrite: (sdl: string) => string = (sdl) => sdl,
  engine: (parts: EngineParts) => Promise<Engine> = apolloEngine,
): Promise<GuardedGraph> {
  const supergraphSdl = rewrite(compose(subgraphs))
  const guarded = guardSupergraph(supergraphSdl, options)
  const { authorizer } = guarded
  const schemas = Object.entries(subgraphs).map(
    ([name, subgraph]) => [name, recordingSchema(name, subgraph)] as const,
  )
  const { apiSchema: schema, execute } = await engine({
    supergraphSdl: guarded.loadableSdl,
    schemas: new Map(schemas),
  })
  const introspect = introspection(authorizer, schema)

  return { ...guarded, supergraphSdl, apiSchema: schema, ask }

  async function ask(query: string | DocumentNode, question: Question = {}): Promise<Answer> {
    const { claims = null, variables = {}, operationName } = question
    const document = typeof query === 'string' ? parse(query) : query
    const [invalid] = validate(schema, document)
    if (invalid) throw invalid
    const caller = { claims }
    const granted = new Set(question.granted)
    const compiled = authorizer.compile(document, operationName)
    const authorized = authorizer.authorize(compiled, caller, variables, granted)
    const resolved = new Set<string>()
    const executed =
      'document' in authorized
        ? await execute({
            document: authorized.document,
            text: authorized.text,
            shape: authorized.shape,
            introspect: introspect(compiled, caller, variables, granted),
            variables,
            context: { resolved },
          })
        : notExecuted
    const request = { authorized, caller, granted }
    const denials = denialsOf(authorizer, request, executed)
    const { data, errors, extensions } = resultWithDenials(
      authorizer,
      request,
      { ...executed, errors: [] },
      denials,
    )
    return {
      data: parsed(data) as never,
      errors: errors as Denial[],
      ...(extensions ? { extensions } : {}),
      outcome: authorized.outcome,
      authorized,
      engineErrors: executed.errors,
      resolved: [...resolved].sort(),
    }
  }
}

interface EngineParts {
  supergraphSdl: string
  schemas: ReadonlyMap<string, GraphQLSchema>
}

type Engine = Executor<Recording>

interface Recording {
  resolved: Set<string>
}

/** The reference executor. */
function apolloEngine({ supergraphSdl, schemas }: EngineParts): Promise<Engine> {
  const log = pino({ level: 'silent' })
  const fetchSubgraph = fetchFrom(schemas)
  return apolloExecutor<Recording>({ supergraphSdl, fetchSubgraph, planningTime: 3_000, log })
}

/** The gateway's own executor. */
export function ownEngine({ supergraphSdl, schemas }: EngineParts): Promise<Engine> {
  return nativeExecutor<Recording>({ supergraphSdl, fetchSubgraph: fetchFrom(schemas) })
}

function fetchFrom(schemas: EngineParts['schemas']): FetchSubgraph<Recording> {
  return async (subgraph, request, contextValue) => {
    const { query, variables } = JSON.parse(request.body) as { query: string; variables?: object }
    const { data, errors = [] } = await graphql({
      schema: schemas.get(subgraph)!,
      source: query,
      variableValues: { ...variables },
      contextValue,
    })
    const reported = errors.map(({ message, path, extensions }) => ({
      message,
      ...(path ? { path } : {}),
      extensions,
    }))
    return answered(request, data, reported)
  }
}

/** A subgraph that writes down every field it resolves. */
function recordingSchema(name: string, { typeDefs, resolvers = {} }: TestSubgraph): GraphQLSchema {
  const schema = buildSubgraphSchema({ typeDefs: parse(typeDefs), resolvers: resolvers as never })
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('_')) continue
    for (const field of Object.values(type.getFields())) {
      if (field.name === '_entities' || field.name === '_service') continue
      const resolve: GraphQLFieldResolver<unknown, never> = field.resolve ?? defaultFieldResolver
      field.resolve = (source, args, context: { resolved?: Set<string> }, info) => {
        context.resolved?.add(`${name}:${info.parentType.name}.${info.fieldName}`)
        return resolve(source, args, context as never, info)
      }
    }
  }
  return schema as GraphQLSchema
}
