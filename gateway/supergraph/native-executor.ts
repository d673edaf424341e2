/** The engine: joins planning and execution for one supergraph. It holds no state of a request. */
import type { ApolloServerOptions, BaseContext } from '@apollo/server'
import { getOperationAST, print } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { GatewayError } from '../errors.ts'
import type { EndSignal } from '../client-request.ts'
import { compileOperation } from '../execution/compile-operation.ts'
import type { CompiledOperation } from '../execution/compile-operation.ts'
import { objectMerger } from '../execution/response-data.ts'
import { runOperation } from '../execution/run-operation.ts'
import type { OperationResult } from '../execution/run-operation.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import { typeRelation } from '../graphql/type-conditions.ts'
import { pipelineError } from '../http/client-errors.ts'
import { mostOperations, operationBudget, operationWeight } from '../operations/operation-weight.ts'
import { overrideLabelsOn } from '../planning/override-labels.ts'
import { planCache } from '../planning/plan-cache.ts'
import { responseNames } from '../planning/response-names.ts'
import { startPlanning } from '../planning/start-planning.ts'
import type { PlanningOptions } from '../planning/start-planning.ts'
import { refusedOperations } from '../planning/refused-operations.ts'
import { sharedWork } from '../planning/shared-work.ts'
import type { SharedWork } from '../planning/shared-work.ts'

export interface NativeEngineOptions<Context> extends PlanningOptions {
  supergraphSdl: string
  fetchSubgraph: FetchSubgraph<Context>
  /** Whether sibling fetches to a subgraph are joined in one request; default: they are. */
  mayJoin?: (subgraph: string) => boolean
  /** Decides about a label of progressive `@override` that is no `percent(...)`; default: off. */
  isLabelOn?: (label: string) => boolean
  /** The most operations whose plans are kept; default 1,000. */
  operations?: number
  /** Called when an operation is too complex to plan, but not when it is sent again soon after. */
  onTooComplex?: (operationName: string | undefined) => void
  /** A number from 0 to 1, for `percent(...)`; default Math.random. */
  random?: () => number
}

export interface OperationToPrepare {
  /** What the caller may see: after authorization. Plans are kept by this, never by the original. */
  document: DocumentNode
  operationName?: string | null | undefined
  /** Aborted when the client does not wait for planning any longer. */
  signal?: EndSignal | undefined
}

export interface OperationToExecute<Context> extends OperationToPrepare {
  variables?: Readonly<Record<string, unknown>> | null | undefined
  /** Handed to `fetchSubgraph`. */
  context: Context
}

export interface NativeEngine<Context> {
  readonly apiSchema: GraphQLSchema
  /**
   * Plans and compiles; the next execution of the same finds it ready. Rejects with a GatewayError when
   * the operation is too complex to plan, or too many are waiting.
   */
  prepare(operation: OperationToPrepare): Promise<CompiledOperation>
  /** The operations that are ready, the last used first: another engine may prepare them as well. */
  operations(): Iterable<CompiledOperation>
  /** `data` is JSON text: what a response holds after `"data":`. */
  execute(operation: OperationToExecute<Context>): Promise<OperationResult>
  /** Ends the planning thread. */
  close(): Promise<void>
}

const nothing = {}

/** Returns the engine of a supergraph. Rejects when the supergraph cannot be used. */
export async function nativeEngine<Context>(
  options: NativeEngineOptions<Context>,
): Promise<NativeEngine<Context>> {
  const { fetchSubgraph, mayJoin = () => true } = options
  const { apiSchema, facts, plan, close } = await startPlanning(options.supergraphSdl, options)
  const names = responseNames(facts.names)
  const labelsOn = overrideLabelsOn(facts.overrideLabels, options)
  const cache = planCache<CompiledOperation>({
    most: options.operations ?? mostOperations,
    budget: operationBudget(),
    weigh: ({ document, mostWriters }) => operationWeight(document) * (1 + (mostWriters - 1) / 2),
  })
  const planning = new Map<string, SharedWork<CompiledOperation>>()
  const refused = refusedOperations()
  const mergeObject = objectMerger((typename) => facts.members.has(String(typename)))
  const schema = {
    apiSchema,
    isOfType: typeRelation(facts.members),
    mayJoin,
    clientName: names.clientName,
  }

  return {
    apiSchema,
    prepare,
    operations: () => cache.values(),
    close,
    execute(operation) {
      const ready = find(operation)
      return ready
        ? run(ready, operation)
        : prepare(operation).then((prepared) => run(prepared, operation))
    },
  }

  function run(
    ready: CompiledOperation,
    { variables, context }: OperationToExecute<Context>,
  ): Promise<OperationResult> {
    return runOperation({
      operation: ready,
      variables: variables ?? nothing,
      apiSchema,
      clientName: names.clientName,
      mergeObject,
      fetchSubgraph,
      mayJoin,
      context,
    })
  }

  function find(operation: OperationToPrepare): CompiledOperation | undefined {
    const { document, variant, text } = placeOf(operation, labelsOn())
    return cache.get(document, text, variant)
  }

  /** Requests for the same operation share its planning. */
  function prepare(operation: OperationToPrepare): Promise<CompiledOperation> {
    const overrideLabels = labelsOn()
    const { document, variant, text, operationName } = placeOf(operation, overrideLabels)
    const known = cache.get(document, text, variant)
    if (known) return Promise.resolve(known)
    const key = `${variant}\n${text()}`
    const beingPlanned = planning.get(key)
    if (beingPlanned) return beingPlanned.wait(operation.signal)
    if (refused.has(key)) return Promise.reject(new GatewayError('OPERATION_TOO_COMPLEX'))
    const compiling = sharedWork(async (abandoned) => {
      try {
        const asked = { document, operationName, overrideLabels }
        const queryPlan = await plan(asked, text().length, abandoned)
        const { fetchedAs } = names.of(document)
        const parts = { document, operationName, plan: queryPlan, fetchedAs }
        const compiled = compileOperation(parts, schema)
        cache.set(document, text, variant, compiled)
        return compiled
      } catch (cause) {
        if (refused.remember(key, cause)) {
          options.onTooComplex?.(getOperationAST(document, operationName)?.name?.value)
        }
        throw cause
      } finally {
        planning.delete(key)
      }
    })
    planning.set(key, compiling)
    return compiling.wait(operation.signal)
  }
}

function placeOf(operation: OperationToPrepare, overrideLabels: readonly string[]) {
  const { document } = operation
  const operationName = operation.operationName ?? undefined
  return {
    document,
    operationName,
    variant: [operationName ?? '', ...overrideLabels].join('\n'),
    text: () => print(document),
  }
}

type GatewayOf<Context extends BaseContext> = Extract<
  ApolloServerOptions<Context>,
  { gateway: unknown }
>['gateway']

/** Returns what Apollo Server takes as its gateway: its pipeline then runs on the engine. */
export function apolloServerGateway<Context extends BaseContext>(
  engine: NativeEngine<Context>,
  supergraphSdl: string,
): GatewayOf<Context> {
  return {
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: engine.apiSchema, coreSupergraphSdl: supergraphSdl })
      return () => {}
    },
    async load() {
      return {
        executor: async ({ document, request, context }) => {
          const operation = {
            document,
            operationName: request.operationName,
            variables: request.variables,
            context: context as Context,
          }
          const { data, errors } = await engine.execute(operation).catch((cause: unknown) => {
            throw cause instanceof GatewayError ? pipelineError(cause) : cause
          })
          return {
            ...(data === undefined ? {} : { data: JSON.parse(data) as Record<string, unknown> }),
            ...(errors.length > 0 ? { errors } : {}),
          }
        },
      }
    },
    async stop() {},
  }
}
