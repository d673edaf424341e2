/** Executes the plan of one request, and writes the response. */
import { errorTable } from '../errors.ts'
import type { DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { OperationSchema } from './compile-operation.ts'
import { Findings } from './completion.ts'
import type { FieldError, SharedTexts } from './completion.ts'
import type { SharedObjects } from './deduplicate-entities.ts'
import { executePlan } from './execute-plan.ts'
import type { FetchedData, PlanExecution } from './execute-plan.ts'
import { errorPlaces } from './error-places.ts'
import type { FetchError } from './fetch-errors.ts'
import type { JsonObject } from './response-data.ts'
import type { ResponseWriter } from './response-writer.ts'

export interface Run<Context> extends PlanExecution<Context> {
  /** Writes the response; its names are those of the operation. */
  readonly writer: ResponseWriter
  readonly introspect?: Introspect | undefined
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
  const { data, errors, shared } = operation.plan.root ? await executePlan(run) : nothingFetched
  const { introspect = nothingIntrospected } = run
  const writing = { hasErrors: false, introspect, texts: textsOf(shared) }
  const text = writer.write(data, writing)
  if (!writing.hasErrors && errors.length === 0) return { ...nothingFound, data: text }

  const findings = new Findings(explainedBy(errors, operation.schema))
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
function explainedBy(errors: readonly FetchError[], { clientName }: OperationSchema) {
  const inResponse = (key: string | number) => (typeof key === 'string' ? clientName(key) : key)
  return errorPlaces(errors.map(({ covers }) => covers.map(inResponse)))
}

function textsOf(shared: SharedObjects): SharedTexts | undefined {
  if (shared.size === 0) return undefined
  const texts: SharedTexts = new Map()
  for (const object of shared) texts.set(object, { fields: undefined, text: undefined })
  return texts
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
