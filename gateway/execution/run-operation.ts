/** Executes the plan of one request, and writes the response. */
import { errorTable } from '../errors.ts'
import type { DeniedField, Introspect } from '../graphql/response-shape.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { OperationSchema } from './compile-operation.ts'
import { Findings } from './completion.ts'
import type { FieldError } from './completion.ts'
import { outlineOf } from './data-path.ts'
import { executePlan } from './execute-plan.ts'
import type { FetchedRoot, PlanExecution } from './execute-plan.ts'
import { errorPlaces } from './error-places.ts'
import { pathsForClient } from './fetch-errors.ts'
import type { FetchError } from './fetch-errors.ts'
import { FetchedData } from './fetched-data.ts'
import type { DataLimits } from './fetched-data.ts'
import { ResponseOutput } from './response-output.ts'

export interface Run<Context> extends PlanExecution<Context> {
  readonly introspect?: Introspect | undefined
  readonly dataLimits?: DataLimits | undefined
}

/** The result of executing an operation. */
export interface ExecutionResult {
  readonly data: ResponseData
  readonly errors: readonly ResponseError[]
  /** The fields that are null because they are denied; of very many, the first ones. */
  readonly denied: readonly DeniedField[]
  /** How many denied fields there are, listed or not. */
  readonly deniedCount: number
}

/** Returns the result. It rejects only for a fault of ours. */
export async function runOperation<Context>(run: Run<Context>): Promise<ExecutionResult> {
  const { operation, form } = run
  const { writer } = form
  if (!operation.plan.root && writer.fetchedKeys.length > 0) {
    return { ...nothingFound, data: 'null', errors: writer.fetchedKeys.map(unresolvable) }
  }
  const data = new FetchedData(run.dataLimits)
  try {
    const fetched = { data, root: data.newRecord(operation.plan.place) }
    const errors = operation.plan.root ? await executePlan(run, fetched) : []
    return written(run, fetched, errors)
  } finally {
    data.release()
  }
}

const nothingFound = { errors: [], denied: [], deniedCount: 0 } as const
const nothingIntrospected: Introspect = () => null

function written<Context>(
  run: Run<Context>,
  fetched: FetchedRoot,
  errors: readonly FetchError[],
): ExecutionResult {
  const { operation, form, introspect = nothingIntrospected } = run
  const { data, root } = fetched
  const output = new ResponseOutput(data)
  const writing = { data, output, hasErrors: false, introspect }
  form.writer.write(root, writing)
  const pieces = output.finish()
  if (!writing.hasErrors && errors.length === 0) return { data: pieces, ...nothingFound }

  const findings = new Findings(data, explainedBy(errors, operation.schema))
  if (writing.hasErrors) form.writer.report(root, findings)
  return {
    data: pieces,
    errors: [...fetchErrors(errors, run, fetched), ...findings.errors.map(responseInvalid)],
    denied: findings.denied,
    deniedCount: findings.deniedCount,
  }
}

/** Returns whether the error of a fetch covers a field error at a path. */
function explainedBy(errors: readonly FetchError[], { clientName }: OperationSchema) {
  const inResponse = (key: string | number) => (typeof key === 'string' ? clientName(key) : key)
  return errorPlaces(errors.map(({ covers }) => covers.map(inResponse))).isAround
}

function unresolvable(key: string): ResponseError {
  const { message, code } = errorTable.UNRESOLVABLE_FIELD
  return { message, path: [key], extensions: { code } }
}

function fetchErrors<Context>(
  errors: readonly FetchError[],
  { operation, variables }: PlanExecution<Context>,
  { data, root }: FetchedRoot,
): ResponseError[] {
  if (errors.length === 0) return []
  const { plan, schema } = operation
  const outline = outlineOf(data, root, plan.place, schema.types.names)
  const pathOf = pathsForClient(operation.clientPaths(outline, variables), { data, root })
  return errors.flatMap((error) => {
    const path = pathOf(error)
    if (!path) return []
    return [
      {
        message: error.message,
        ...(path.length > 0 ? { path } : {}),
        extensions: error.extensions,
      },
    ]
  })
}

/** Returns the error that a client gets for something that does not fit the schema. */
export function responseInvalid({ message, path }: FieldError): ResponseError {
  return { message, path, extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }
}
