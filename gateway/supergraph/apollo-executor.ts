/** The reference executor: @apollo/gateway plans and executes; we send its fetches and write the response. */
import { ApolloGateway } from '@apollo/gateway'
import {
  getOperationAST,
  isAbstractType,
  Kind,
  parse,
  print,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  GraphQLError,
  GraphQLSchema,
  SelectionSetNode,
} from 'graphql'
import { createHash } from 'node:crypto'
import type { Logger } from 'pino'
import { remembered } from '../values/remembered.ts'
import { errorTable, GatewayError } from '../errors.ts'
import { Findings } from '../execution/completion.ts'
import type { FieldError } from '../execution/completion.ts'
import { errorPlaces } from '../execution/error-places.ts'
import { readObject } from '../execution/compile-readers.ts'
import { FetchedData } from '../execution/fetched-data.ts'
import { addSelection, Place } from '../execution/places.ts'
import { ResponseOutput } from '../execution/response-output.ts'
import { ResponseReader } from '../execution/response-reader.ts'
import { responseWriter } from '../execution/response-writer.ts'
import { typeNames } from '../execution/type-names.ts'
import { responseInvalid } from '../execution/run-operation.ts'
import type { ExecutionResult } from '../execution/run-operation.ts'
import { readableExtensions, subgraphDataSource } from '../execution/subgraph-data-source.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import { conditionValue, conditionVariables } from '../graphql/conditions.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import { typenameField } from '../graphql/introspection-fields.ts'
import { completeShape } from '../graphql/response-shape.ts'
import type { ResponseShape } from '../graphql/response-shape.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { typeRelation } from '../graphql/type-conditions.ts'
import { fieldSources } from '../planning/field-sources.ts'
import { planningCost } from '../planning/planning-cost.ts'
import type { Executor, OperationToExecute } from './executor.ts'

export interface ApolloExecutorOptions<Context> {
  supergraphSdl: string
  fetchSubgraph: FetchSubgraph<Context>
  /** The longest that an operation may take to plan, in milliseconds. */
  planningTime: number
  log: Logger
}

/** The estimate is rough: a refused operation would take at least half of the limit, usually more. */
const stepsPerMillisecond = 20

/** Messages of @apollo/gateway for a string instead of a list, a number instead of an object, no entities. */
const misshapen = /^Invalid non-(list|object|string) value |^Expected "data\._entities" /

/** Returns the executor of a supergraph. Rejects when the supergraph cannot be used. */
export async function apolloExecutor<Context extends object>({
  supergraphSdl,
  fetchSubgraph,
  planningTime,
  log,
}: ApolloExecutorOptions<Context>): Promise<Executor<Context>> {
  // Without this, the constructor starts an hourly export of figures to the library's vendor.
  process.env.APOLLO_TELEMETRY_DISABLED = 'true'
  const gateway = new ApolloGateway({
    supergraphSdl,
    buildService: ({ name }) =>
      subgraphDataSource<Context>((request, context) => fetchSubgraph(name, request, context)),
    logger: quiet(log),
    __exposeQueryPlanExperimental: false,
  })
  let apiSchema: Executor<Context>['apiSchema'] | undefined
  gateway.onSchemaLoadOrUpdate((loaded) => (apiSchema = loaded.apiSchema))
  const { executor } = await gateway.load()
  const schema = apiSchema!
  const sources = fieldSources(parse(supergraphSdl, { noLocation: true }))
  const planned = planningCost(schema, sources)
  const estimate = (document: DocumentNode) => planned(document, undefined)
  const costOf = memoized(estimate)
  const types = typeNames(schema, new Map())
  const isOfType = typeRelation(new Map())
  const withTypes = memoized((document) => withTypenames(schema, document))

  return {
    apiSchema: schema,
    async prepare() {},
    operations: () => [],
    execute,
    close: () => gateway.stop(),
  }

  async function execute(operation: OperationToExecute<Context>): Promise<ExecutionResult> {
    const { document, context } = operation
    // It plans on the thread that responds to requests, where it cannot be interrupted.
    if (costOf(document) > planningTime * stepsPerMillisecond) {
      throw new GatewayError('OPERATION_TOO_COMPLEX')
    }
    const text = operation.text?.() ?? print(document)
    const {
      data,
      errors = [],
      extensions,
    } = await executor({
      request: { query: text, variables: { ...operation.variables } },
      document: withTypes(document),
      queryHash: createHash('sha256').update(text).digest('hex'),
      context,
      logger: quiet(log),
      metrics: {},
    } as never)
    if (data === undefined) return withoutData(errors)
    const reported = errors.map(responseError)
    return written(operation, data as object | null, reported, fieldErrors(extensions))
  }

  function written(
    { document, variables, shape, introspect = () => null }: OperationToExecute<Context>,
    response: object | null,
    reported: readonly ResponseError[],
    completion: readonly FieldError[],
  ): ExecutionResult {
    const data = new FetchedData()
    const output = new ResponseOutput(data)
    const findings = new Findings(data, errorPlaces(reported.map(({ path = [] }) => path)).isAround)
    for (const error of completion) findings.add(error)
    if (response === null) output.writeText('null')
    else {
      const definition = getOperationAST(document)!
      const rootType = schema.getRootType(definition.operation)!
      const root = new Place()
      const own = shape ?? shapeOf(document, variables ?? {})
      const parts = { schema, shape: own, fetchedAs, isOfType }
      const writer = responseWriter({ ...parts, types, rootType, root })
      const set = withoutSpreads(withTypes(document))
      addSelection(root, set, new Map())
      const selection = { place: root, parts: [{ set, parents: [rootType] }], client: undefined }
      const reader = new ResponseReader(data, Buffer.from(JSON.stringify(response)), types)
      const record = reader.readObject(readObject(parts, selection, (key) => key))
      const writing = { data, output, hasErrors: false, introspect }
      writer.write(record, writing)
      if (writing.hasErrors) writer.report(record, findings)
    }
    const pieces = output.finish()
    data.release()
    return {
      data: pieces,
      errors: [...reported, ...findings.errors.map(responseInvalid)],
      denied: findings.denied,
      deniedCount: findings.deniedCount,
    }
  }

  function responseError({ message, path, extensions }: GraphQLError): ResponseError {
    const place = path ? { path } : {}
    const readable = readableExtensions(extensions ?? {})
    if (readable) return { message, ...place, extensions: readable }
    const isMisshapen = misshapen.test(message)
    if (!isMisshapen) log.error({ reason: message }, 'unforeseen error of @apollo/gateway')
    const row = errorTable[isMisshapen ? 'SUBGRAPH_RESPONSE_INVALID' : 'INTERNAL_SERVER_ERROR']
    return { message: row.message, ...place, extensions: { code: row.code } }
  }
}

/** Returns what the library found wrong with the data where no error of a fetch explains it. */
function fieldErrors(extensions: Readonly<Record<string, unknown>> = {}): readonly FieldError[] {
  const found = (extensions['valueCompletion'] ?? []) as readonly GraphQLError[]
  return found.map(({ message, path = [] }) => ({ message, path }))
}

/** The library drops a complete response if it cannot process a part of it. */
function withoutData(errors: readonly GraphQLError[]): ExecutionResult {
  if (!errors.some(({ message }) => misshapen.test(message))) throw errors[0]
  const { code, message } = errorTable.SUBGRAPH_RESPONSE_INVALID
  return { data: 'null', errors: [{ message, extensions: { code } }], denied: [], deniedCount: 0 }
}

function shapeOf(document: DocumentNode, variables: Readonly<Record<string, unknown>>) {
  const definition = getOperationAST(document)!
  const fragments = fragmentsOf(document)
  const defaults = conditionVariables(definition, fragments)
  const isTrue = (name: string) => conditionValue(name, variables, defaults) === true
  return completeShape({ fragments, isTrue }, definition.selectionSet) as ResponseShape
}

/**
 * Returns the document with `__typename` where the fields of an object depend on its type: the writer of
 * the response has to know it. Nowhere else: for an object that another subgraph knows as an interface
 * object, the library makes null of a value whose `__typename` is selected.
 */
function withTypenames(schema: GraphQLSchema, document: DocumentNode): DocumentNode {
  const types = new TypeInfo(schema)
  const enter = (set: SelectionSetNode): SelectionSetNode | undefined => {
    const dependsOnType = set.selections.some(({ kind }) => kind !== Kind.FIELD)
    if (!dependsOnType || !isAbstractType(types.getParentType())) return undefined
    return { ...set, selections: [typenameField, ...set.selections] }
  }
  return visit(document, visitWithTypeInfo(types, { SelectionSet: { enter } })) as DocumentNode
}

function fetchedAs({ alias, name }: FieldNode): string {
  return (alias ?? name).value
}

/** Returns what the operation selects, with an inline fragment in the place of each fragment spread. */
function withoutSpreads(document: DocumentNode): SelectionSetNode {
  const fragments = fragmentsOf(document)
  return inlined(getOperationAST(document)!.selectionSet)

  function inlined(set: SelectionSetNode): SelectionSetNode {
    return visit(set, {
      FragmentSpread({ name, directives }) {
        const { typeCondition, selectionSet } = fragments.get(name.value)!
        const inline = { kind: Kind.INLINE_FRAGMENT, typeCondition, directives } as const
        return { ...inline, selectionSet: inlined(selectionSet) }
      },
    }) as SelectionSetNode
  }
}

function memoized<Of>(make: (document: DocumentNode) => Of): (document: DocumentNode) => Of {
  const known = new WeakMap<DocumentNode, Of>()
  return (document) => remembered(known, document, make)
}

/** The library's "info" is about its own phases: for us that is detail. */
function quiet(log: Logger) {
  return {
    debug: (message?: unknown) => log.trace(message),
    info: (message?: unknown) => log.debug(message),
    warn: (message?: unknown) => log.warn(message),
    error: (message?: unknown) => log.error(message),
  }
}
