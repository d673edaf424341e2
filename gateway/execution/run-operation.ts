/** Executes the plan of one request, and writes the response. */
import { errorTable } from '../errors.ts'
import type { DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { CompiledOperation, VariableValues } from './compile-operation.ts'
import { Findings } from './completion.ts'
import type { FieldError, SharedTexts } from './completion.ts'
import type { SharedObjects } from './deduplicate-entities.ts'
import { executePlan } from './execute-plan.ts'
import type { FetchedData } from './execute-plan.ts'
import { errorPlaces } from './error-places.ts'
import type { FetchError } from './fetch-errors.ts'
import type { JsonObject, MergeObject } from './response-data.ts'
import type { ResponseWriter } from './response-writer.ts'
import type { FetchSubgraph } from './subgraph-request.ts'

export interface Run<Context> {
  readonly operation: CompiledOperation
  /** Writes the response; its names are those of the operation. */
  readonly writer: ResponseWriter
  readonly variables: VariableValues
  readonly introspect?: Introspect | undefined
  readonly clientName: (fetched: string) => string
  readonly mergeObject: MergeObject
  readonly fetchSubgraph: FetchSubgraph<Context>
  /** Returns whether sibling entity fetches to a subgraph may be batched. */
  readonly mayBatch: (subgraph: string) => boolean
  readonly context: Context
}

/** The result of executing an operation. */
export interface ExecutionResult {
  /** The JSON text of `data`. */
  readonly data: string
  readonly errors: readonly ResponseError[]
  /** The fields that are null because they are denied; of very many, the first ones. */
  readonly denied: readonly DeniedField[]
  /** How many denied fields there are, listed or not. */
  readonly deniedCount: number
}

/** Returns the result. It rejects only for a fault of ours. */
export async function runOperation<Context>(run: Run<Context>): Promise<ExecutionResult> {
  const { operation, writer } = run
  if (!operation.plan.root && writer.fetchedKeys.length > 0) {
    return { ...nothingFound, data: 'null', errors: writer.fetchedKeys.map(unresolvable) }
  }
  const { data, errors, shared } = await fetchAll(run)
  const { introspect = nothingIntrospected } = run
  const writing = { hasErrors: false, introspect, texts: textsOf(shared) }
  const text = writer.write(data, writing)
  if (!writing.hasErrors && errors.length === 0) return { ...nothingFound, data: text }

  const explained = explainedBy(errors, run)
  const findings = new Findings(explained)
  if (writing.hasErrors) writer.report(data, findings)
  return {
    data: text,
    errors: [...fetchErrors(errors, data, run), ...findings.errors.map(responseInvalid)],
    denied: findings.denied,
    deniedCount: findings.deniedCount,
  }
}

const nothingFound = { errors: [], denied: [], deniedCount: 0 } as const
const nothingFetched: FetchedData = { data: {}, errors: [], shared: new Set() }
const nothingIntrospected: Introspect = () => null

/** Returns whether the error of a fetch covers a field error at a path. */
function explainedBy<Context>(
  errors: readonly FetchError[],
  { clientName }: Run<Context>,
): (path: FieldError['path']) => boolean {
  const places = errorPlaces()
  for (const { covers } of errors) {
    places.add(covers.map((key) => (typeof key === 'string' ? clientName(key) : key)))
  }
  return (path) => places.has(path)
}

function textsOf(shared: SharedObjects): SharedTexts | undefined {
  if (shared.size === 0) return undefined
  const texts: SharedTexts = new Map()
  for (const object of shared) texts.set(object, { fields: undefined, text: undefined })
  return texts
}

function fetchAll<Context>(run: Run<Context>): FetchedData | Promise<FetchedData> {
  const { operation, variables, mergeObject, fetchSubgraph, mayBatch, context } = run
  if (!operation.plan.root) return nothingFetched
  return executePlan({
    plan: operation.plan,
    batchedOperations: operation.batchedOperations,
    mergeObject,
    variables,
    isTrue: (variable) => operation.condition(variable, variables) === true,
    fetchSubgraph,
    mayBatch,
    context,
  })
}

function unresolvable(key: string): ResponseError {
  const { message, code } = errorTable.UNRESOLVABLE_FIELD
  return { message, path: [key], extensions: { code } }
}

function fetchErrors<Context>(
  errors: readonly FetchError[],
  data: JsonObject,
  { operation, variables }: Run<Context>,
): ResponseError[] {
  if (errors.length === 0) return []
  const clientPath = operation.clientPaths(data, variables)
  return errors.flatMap(({ message, path, extensions }) => {
    const own = path && clientPath(path)
    if (path && !own) return []
    return [{ message, ...(own?.length ? { path: own } : {}), extensions }]
  })
}

/** Returns the error that a client gets for something that does not fit the schema. */
export function responseInvalid({ message, path }: FieldError): ResponseError {
  return { message, path, extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }
}
