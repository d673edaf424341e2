/** QueryPlan -> steps that can be executed many times: texts written, paths concatenated, functions made. */
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner'
import { contextReader } from './context-arguments.ts'
import { levelled } from './level-plan.ts'
import { representationWriter } from './representations.ts'
import type { RepresentationRules } from './representations.ts'
import type { FetchStep, Step } from './plan-steps.ts'
import type { DataPath } from './response-data.ts'
import { renamedKeys, rewriter } from './rewrites.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

/** A fetch that may not be for all entities at its place: see RepresentationRules. */
type FetchForSomeEntities = FetchNode & Pick<RepresentationRules, 'keys' | 'unless'>

/** A plan, ready to be executed any number of times. */
export interface CompiledPlan {
  /** Undefined when nothing has to be fetched. */
  readonly root: Step | undefined
  readonly fetches: readonly FetchStep[]
  /** Whether equal entities may become one object: see deduplicate-entities.ts. */
  readonly mayShareObjects: boolean
}

/** What a plan is compiled with. */
export interface PlanParts {
  readonly isOfType: IsOfType
  /** Returns whether sibling fetches from a subgraph may leave in one request. */
  readonly mayBatch: (subgraph: string) => boolean
}

/** Returns the steps of a plan. */
export function compilePlan({ node }: QueryPlan, parts: PlanParts): CompiledPlan {
  const fetches: FetchStep[] = []
  if (node?.kind === 'Subscription') throw new Error('subscriptions are not supported')
  const root = node && levelled(compile(node, []))
  // The same entity at two positions may be in two contexts.
  const mayShareObjects = fetches.every(({ readContext }) => !readContext)
  return { root, fetches, mayShareObjects }

  function compile(plan: PlanNode, path: DataPath): Step {
    switch (plan.kind) {
      case 'Fetch': {
        const step = fetchStep(plan, fetches.length, path, parts)
        fetches.push(step)
        return step
      }
      case 'Flatten':
        return compile(plan.node, [...path, ...plan.path.map(String)])
      case 'Sequence':
        return { kind: 'sequence', steps: plan.nodes.map((child) => compile(child, path)) }
      case 'Parallel':
        return { kind: 'parallel', steps: plan.nodes.map((child) => compile(child, path)) }
      case 'Condition':
        return {
          kind: 'condition',
          variable: plan.condition,
          then: plan.ifClause && compile(plan.ifClause, path),
          otherwise: plan.elseClause && compile(plan.elseClause, path),
        }
      case 'Defer':
        throw new Error('@defer is not supported')
    }
  }
}

function fetchStep(fetch: FetchNode, id: number, path: DataPath, parts: PlanParts): FetchStep {
  const { isOfType, mayBatch } = parts
  const { operation, operationName, requires, contextRewrites } = fetch
  const { keys, unless }: FetchForSomeEntities = fetch
  const contextNames = new Set((contextRewrites ?? []).map(({ renameKeyTo }) => renameKeyTo))
  return {
    kind: 'fetch',
    id,
    subgraph: fetch.serviceName,
    operationKind: fetch.operationKind,
    operation,
    head: requestHead(operation, operationName),
    variables: (fetch.variableUsages ?? []).filter(
      (name) => name !== 'representations' && !contextNames.has(name),
    ),
    path,
    place: path.join('.'),
    represent:
      requires &&
      representationWriter(requires, { isOfType, rewrites: fetch.inputRewrites, keys, unless }),
    readContext: contextRewrites?.length
      ? contextReader(contextRewrites, path, isOfType)
      : undefined,
    rewriteResponse: rewriter(fetch.outputRewrites, isOfType),
    renamed: renamedKeys(fetch.outputRewrites),
    mayBatch: !!requires && !contextRewrites?.length && mayBatch(fetch.serviceName),
  }
}

/** Returns the JSON text of a request up to its variables. */
export function requestHead(operation: string, operationName?: string): string {
  const name =
    operationName === undefined ? '' : `,"operationName":${JSON.stringify(operationName)}`
  return `{"query":${JSON.stringify(operation)}${name},"variables":{`
}
