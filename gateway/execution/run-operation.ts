/** One request: variables checked, plan walked, response written. */
import { GraphQLError } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import type { VariableValues } from './check-variables.ts'
import type { CompiledOperation } from './compile-operation.ts'
import { errorList } from './error-list.ts'
import { executePlan } from './execute-plan.ts'
import type { FetchedData, FetchError } from './execute-plan.ts'
import { explainedPlaces } from './explained-places.ts'
import { introspect } from './introspect.ts'
import type { JsonObject, MergeObject } from './response-data.ts'
import type { Misfit, ResponseWriter, SharedTexts } from './response-writer.ts'
import type { SharedObjects } from './deduplicate-entities.ts'
import { marked } from './subgraph-errors.ts'
import type { FetchSubgraph } from './subgraph-request.ts'
import { nullCondition } from './variable-errors.ts'

export interface Run<Context> {
  readonly operation: CompiledOperation
  readonly variables: VariableValues
  readonly apiSchema: GraphQLSchema
  readonly clientName: (fetched: string) => string
  readonly mergeObject: MergeObject
  readonly fetchSubgraph: FetchSubgraph<Context>
  /** Whether sibling fetches to a subgraph may be joined in one request. */
  readonly mayJoin: (subgraph: string) => boolean
  readonly context: Context
}

export interface OperationResult {
  /** The JSON text of `data`; undefined when the request was refused before execution. */
  readonly data: string | undefined
  readonly errors: readonly GraphQLError[]
}

/** Returns the result. It rejects only for a fault of ours. */
export async function runOperation<Context>(run: Run<Context>): Promise<OperationResult> {
  const { operation, variables } = run
  const refusals = refuseVariables(operation, variables)
  if (refusals.length > 0) return { data: undefined, errors: refusals }

  const writer = operation.writerFor(variables)
  if (!operation.plan.root && writer.fetchedKeys.length > 0) {
    return { data: 'null', errors: writer.fetchedKeys.map(unresolvable) }
  }
  const { data, errors, shared } = await fetchAll(run)
  const { document, definition } = operation
  const introspection = introspect(
    { schema: run.apiSchema, document, definition, fields: writer.introspection },
    variables,
  )
  const writing = { damaged: false, introspection, texts: textsOf(shared) }
  const text = writer.write(data, writing)
  if (!writing.damaged && errors.length === 0) return { data: text, errors: noErrors }

  return {
    data: text,
    errors: [
      ...fetchErrors(errors, data, run),
      ...(writing.damaged ? unexplained(writer, data, errors, run).map(misfitError) : []),
    ],
  }
}

/** Returns what does not fit the schema, but for what the error of a fetch explains already. */
function unexplained<Context>(
  writer: ResponseWriter,
  data: JsonObject,
  errors: readonly FetchError[],
  { clientName }: Run<Context>,
): readonly Misfit[] {
  const explained = explainedPlaces()
  for (const { explains } of errors) {
    explained.add(explains.map((key) => (typeof key === 'string' ? clientName(key) : key)))
  }
  const misfits = errorList<Misfit>()
  writer.explain(data, (misfit) => {
    if (!explained.has(misfit.path)) misfits.add(() => misfit)
  })
  return misfits.listed()
}

const noErrors: readonly GraphQLError[] = []
const nothing: FetchedData = { data: {}, errors: [], shared: new Set() }

function textsOf(shared: SharedObjects): SharedTexts | undefined {
  if (shared.size === 0) return undefined
  const texts: SharedTexts = new Map()
  for (const object of shared) texts.set(object, { by: undefined, text: undefined })
  return texts
}

function fetchAll<Context>(run: Run<Context>): FetchedData | Promise<FetchedData> {
  const { operation, variables, mergeObject, fetchSubgraph, mayJoin, context } = run
  if (!operation.plan.root) return nothing
  return executePlan({
    plan: operation.plan,
    joined: operation.joined,
    mergeObject,
    variables,
    isTrue: (variable) => operation.condition(variable, variables) === true,
    fetchSubgraph,
    mayJoin,
    context,
  })
}

function refuseVariables(
  { checkVariables, conditionVariables, condition }: CompiledOperation,
  variables: VariableValues,
): readonly GraphQLError[] {
  const errors = checkVariables(variables)
  if (errors.length > 0) return errors
  return conditionVariables.flatMap((name) =>
    condition(name, variables) === undefined ? [nullCondition(name)] : [],
  )
}

function unresolvable(key: string): GraphQLError {
  return new GraphQLError('No subgraph can resolve this field.', {
    path: [key],
    extensions: { code: 'UNRESOLVABLE_FIELD' },
  })
}

function fetchErrors<Context>(
  errors: readonly FetchError[],
  data: JsonObject,
  { operation, variables }: Run<Context>,
): GraphQLError[] {
  if (errors.length === 0) return []
  const clientPath = operation.clientPaths(data, variables)
  return errors.flatMap(({ message, path, extensions }) => {
    const own = path && clientPath(path)
    if (path && !own) return []
    const place = own?.length ? { path: own } : {}
    return [new GraphQLError(message, { ...place, extensions: marked(extensions) })]
  })
}

function misfitError({ message, path }: Misfit): GraphQLError {
  return new GraphQLError(message, { path, extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } })
}
