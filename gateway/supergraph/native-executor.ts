/** Our own executor: plans and executes for one supergraph. It has no state of a request. */
import { getOperationAST, print } from 'graphql'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import { GatewayError } from '../errors.ts'
import { compileOperation } from '../execution/compile-operation.ts'
import type { CompiledOperation } from '../execution/compile-operation.ts'
import type { CompiledPlan } from '../execution/compile-plan.ts'
import { bodyOfRootFetch } from '../execution/execute-plan.ts'
import type { DataLimits } from '../execution/fetched-data.ts'
import { explainPlan } from '../execution/explain-plan.ts'
import type { FetchStep } from '../execution/plan-steps.ts'
import type { ResponseForm } from '../execution/response-form.ts'
import { runOperation } from '../execution/run-operation.ts'
import type { ExecutionResult, Run } from '../execution/run-operation.ts'
import { recordedRequests } from '../execution/recorded-requests.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import type { SharedShape } from '../graphql/response-shape.ts'
import { typeNames } from '../execution/type-names.ts'
import { typeRelation } from '../graphql/type-conditions.ts'
import { mostOperations, operationBudget, operationWeight } from '../operations/operation-weight.ts'
import { overrideLabelsOn } from '../planning/override-labels.ts'
import { partOfPlan } from '../planning/part-of-plan.ts'
import { planCache } from '../planning/plan-cache.ts'
import { responseNames } from '../planning/response-names.ts'
import { startPlanning } from '../planning/start-planning.ts'
import type { PlanningOptions } from '../planning/start-planning.ts'
import { tooComplexOperations } from '../planning/too-complex-operations.ts'
import { sharedPlanning } from '../planning/shared-planning.ts'
import type { SharedPlanning } from '../planning/shared-planning.ts'
import { inSpan } from '../telemetry/in-span.ts'
import { remembered } from '../values/remembered.ts'
import type {
  DividedOperation,
  Executor,
  OperationPart,
  OperationToExecute,
  OperationToPrepare,
  OperationToSubscribe,
  PlannedSubscription,
} from './executor.ts'

export interface NativeExecutorOptions<Context> extends PlanningOptions {
  supergraphSdl: string
  fetchSubgraph: FetchSubgraph<Context>
  /** Returns whether sibling entity fetches to a subgraph are batched; default: true. */
  mayBatch?: (subgraph: string) => boolean
  /** The most plans in the cache; default: 1,000. */
  operations?: number
  /** Called when an operation is too complex to plan, but not when it is sent again soon after. */
  onTooComplex?: (operationName: string | undefined) => void
  /** How much may be fetched for one request; default: what addresses of 32 bits allow. */
  dataLimits?: DataLimits
  /** A number from 0 to 1, for `percent(...)`; default Math.random. */
  random?: () => number
}

export interface NativeExecutor<Context> extends Executor<Context> {
  prepare(operation: OperationToPrepare): Promise<CompiledOperation>
}

const nothing = {}

/** An operation that is executed in parts, and those that have been compiled, by their texts. */
interface KeptParts {
  readonly document: DocumentNode
  readonly compile: (part: DocumentNode) => CompiledOperation
  readonly parts: LRUCache<string, CompiledOperation>
}

/** The most parts of an operation that are kept compiled. */
const mostParts = 16

/** Returns the executor of a supergraph. Rejects when the supergraph cannot be used. */
export async function nativeExecutor<Context>(
  options: NativeExecutorOptions<Context>,
): Promise<NativeExecutor<Context>> {
  const { fetchSubgraph, mayBatch = () => true } = options
  const { apiSchema, facts, plan, close } = await startPlanning(options.supergraphSdl, options)
  const names = responseNames(facts.names)
  const labelsOn = overrideLabelsOn(facts.overrideLabels, options.random)
  const cache = planCache<CompiledOperation>({
    most: options.operations ?? mostOperations,
    budget: operationBudget(),
    weigh: ({ document, mostForms }) => operationWeight(document) * (1 + (mostForms - 1) / 2),
  })
  const divided = planCache<KeptParts>({
    most: mostOperations,
    budget: operationBudget() / 2,
    weigh: ({ document }) => operationWeight(document) * (mostParts / 2),
  })
  // With progressive @override, an operation has several plans, and a form is for one of them.
  const shapedForms = new LRUCache<SharedShape, WeakMap<CompiledOperation, ResponseForm>>({
    max: mostOperations,
    maxSize: operationBudget() / 2,
  })
  const planning = new Map<string, SharedPlanning<CompiledOperation>>()
  const tooComplex = tooComplexOperations()
  const types = typeNames(apiSchema, facts.members)
  const abstract = types.names.map((name) => facts.members.has(name))
  const schema = {
    apiSchema,
    isOfType: typeRelation(facts.members),
    mayBatch,
    clientName: names.clientName,
    types,
    isAbstract: (type: number) => abstract[type] === true,
  }

  return {
    apiSchema,
    prepare,
    operations: () => cache.values(),
    subscribe,
    divide,
    explain: async (operation) => explainPlan(await prepare(operation)),
    close,
    execute(operation) {
      if (operation.trace) return executeTraced(operation)
      const ready = find(operation)
      return ready
        ? run(ready, operation)
        : prepare(operation).then((prepared) => run(prepared, operation))
    },
  }

  async function executeTraced(operation: OperationToExecute<Context>): Promise<ExecutionResult> {
    const planned = await inSpan(operation.trace, 'graphql.plan', (span) => {
      const ready = find(operation)
      span?.set('portcullis.cache', ready ? 'hit' : 'miss')
      return ready ?? prepare(operation)
    })
    return run(planned, operation)
  }

  async function subscribe(operation: OperationToSubscribe): Promise<PlannedSubscription<Context>> {
    const ready = await prepare(operation)
    const fetch = subscriptionFetch(ready.plan)
    return {
      subgraph: fetch.subgraph,
      body: bodyOfRootFetch(fetch, operation.variables ?? nothing),
      subgraphs: [...new Set(ready.plan.fetches.map(({ subgraph }) => subgraph))],
      plan: ready,
      execute: (event) => run(ready, event),
    }
  }

  async function divide(
    operation: OperationToPrepare & Pick<OperationToExecute<Context>, 'trace'>,
  ): Promise<DividedOperation<Context>> {
    const overrideLabels = labelsOn()
    const { document, variant, text, operationName } = placeOf(operation, overrideLabels)
    const kept = await inSpan(operation.trace, 'graphql.plan', (span) => {
      const ready = divided.get(document, text, variant)
      span?.set('portcullis.cache', ready ? 'hit' : 'miss')
      return ready ?? planParts()
    })
    const recorded = recordedRequests(fetchSubgraph)
    const compiledPart = (part: OperationPart) =>
      remembered(kept.parts, part.text(), () => kept.compile(part.document))
    return {
      execute(part) {
        const ready = compiledPart(part)
        const { shape } = part
        const form = shape ? ready.formOf(shape) : ready.formFor(part.variables ?? nothing)
        return run(ready, part, { form, fetchSubgraph: recorded })
      },
      explain: (part) => explainPlan(compiledPart(part)),
    }

    async function planParts(): Promise<KeptParts> {
      // Requests for the same operation share its planning, and its refusal.
      await prepare(operation)
      const asked = { document, operationName, overrideLabels }
      const whole = await plan(asked, text().length)
      const { hasInterfaceObjects } = facts.names
      const planned = { ...names.of(document), hasInterfaceObjects }
      const compile = (part: DocumentNode) =>
        compileOperation(
          {
            document: part,
            operationName: undefined,
            plan: partOfPlan(whole, part, planned),
            fetchedAs: planned.fetchedAs,
          },
          // What is in a batch would depend on the part, and be fetched again.
          { ...schema, mayBatch: () => false },
        )
      const parts = new LRUCache<string, CompiledOperation>({ max: mostParts })
      const made = { document, compile, parts }
      divided.set(document, text, variant, made)
      return made
    }
  }

  function run(
    ready: CompiledOperation,
    { variables, shape, introspect, context }: OperationToExecute<Context>,
    of: Partial<Pick<Run<Context>, 'form' | 'fetchSubgraph'>> = nothing,
  ): Promise<ExecutionResult> {
    const values = variables ?? nothing
    return runOperation({
      operation: ready,
      form: of.form ?? (shape ? formOf(shape, ready) : ready.formFor(values)),
      variables: values,
      introspect,
      fetchSubgraph: of.fetchSubgraph ?? fetchSubgraph,
      context,
      dataLimits: options.dataLimits,
    })
  }

  function formOf(shape: SharedShape, ready: CompiledOperation): ResponseForm {
    let forms = shapedForms.get(shape)
    if (!forms) {
      forms = new WeakMap()
      shapedForms.set(shape, forms, { size: operationWeight(shape.document) })
    }
    return remembered(forms, ready, () => ready.formOf(shape))
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
    if (tooComplex.has(key)) return Promise.reject(new GatewayError('OPERATION_TOO_COMPLEX'))
    const compiling = sharedPlanning(async (abandoned) => {
      try {
        const asked = { document, operationName, overrideLabels }
        const queryPlan = await plan(asked, text().length, abandoned)
        const { fetchedAs } = names.of(document)
        const parts = { document, operationName, plan: queryPlan, fetchedAs }
        const compiled = compileOperation(parts, schema)
        cache.set(document, text, variant, compiled)
        return compiled
      } catch (cause) {
        if (tooComplex.remember(key, cause)) {
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

/** Returns the fetch to which events are the responses. A plan with several of them cannot be executed. */
function subscriptionFetch({ fetches }: CompiledPlan): FetchStep {
  const [first, ...more] = fetches.filter(({ operationKind }) => operationKind === 'subscription')
  if (first && more.length === 0) return first
  throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED', {
    message: 'This subscription would need several streams of events: select fewer fields of it',
  })
}

function placeOf(operation: OperationToPrepare, overrideLabels: readonly string[]) {
  const { document } = operation
  const operationName = operation.operationName ?? undefined
  return {
    document,
    operationName,
    variant: [operationName ?? '', ...overrideLabels].join('\n'),
    text: operation.text ?? (() => print(document)),
  }
}
