/**
 * How many alternatives the planner tries. An operation that would be hard to plan is planned with fewer:
 * the plan is correct, but it may take more fetches than the best one.
 */
import type { Operation } from '@apollo/federation-internals'
import type { QueryPlan, QueryPlanner } from '@apollo/query-planner'
import { OperationTypeNode } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { remembered } from '../values/remembered.ts'
import { GatewayError } from '../errors.ts'
import type { FieldSources } from './field-sources.ts'
import { alternativesNarrower } from './narrow-alternatives.ts'
import type { EntrySubgraphs, NarrowingParts } from './narrow-alternatives.ts'
import { planningCost } from './planning-cost.ts'

/** What is needed of the planner's graph. */
interface QueryGraph {
  /** Returns the edges to follow after an edge. */
  readonly nonTrivialFollowupEdges: (edge: Edge) => readonly Edge[]
}

interface Edge {
  readonly head: { readonly source: string }
  readonly tail: { readonly source: string; readonly type: { readonly name: string } }
  readonly transition: { readonly kind: string }
}

/** What the planner tries. */
export interface Effort {
  /** Where fetches of entities may start; undefined for anywhere. */
  readonly entered: EntrySubgraphs
  /** The most plans that are compared. */
  readonly plans: number
}

/** The most that the planner does for an operation with all alternatives, in steps of 0.1 ms. */
const mostSteps = 3_000
/** How many plans are compared when alternatives are left out; fewer of those that are still hard. */
const plansCompared = 100
const fewestPlans = 5
/** How many subgraphs for each type are tried, if not all. */
const narrower = [4, 3, 2, 1]

/**
 * Returns the function that decides about an operation, given without fragments; undefined for the
 * planner's own way.
 */
export function planningEffort(
  parts: NarrowingParts,
): (document: DocumentNode) => Effort | undefined {
  const { schema, sources } = parts
  const narrow = alternativesNarrower(parts)
  const costWith = (entered: EntrySubgraphs, document: DocumentNode) =>
    planningCost(schema, narrowedSources(sources, entered))(document, undefined)

  return (document) => {
    const [operation] = document.definitions
    // The planner leaves out a mutation for which it finds no way.
    if (operation && 'operation' in operation && operation.operation !== OperationTypeNode.QUERY) {
      return undefined
    }
    if (costWith(new Map(), document) <= mostSteps) return undefined
    const efforts = narrower.map(narrow(document)).map((entered) => {
      const tooMuch = Math.max(1, costWith(entered, document) / mostSteps)
      return { entered, plans: Math.max(fewestPlans, Math.round(plansCompared / tooMuch)) }
    })
    return efforts.find(({ plans }) => plans === plansCompared) ?? efforts.at(-1)
  }
}

/** Returns the function that estimates the cost of planning with that effort. */
export function effortCost(
  schema: GraphQLSchema,
  sources: FieldSources,
  narrowable: ReadonlySet<string>,
): ReturnType<typeof planningCost> {
  const costOfAll = planningCost(schema, sources)
  // About the alternatives that remain.
  const few = new Map(
    [...sources.entered].map(([type, graphs]) => [
      type,
      narrowable.has(type) ? graphs.slice(0, 2) : graphs,
    ]),
  )
  const costOfFew = planningCost(schema, narrowedSources(sources, few))
  return (document, operationName) => {
    const cost = costOfAll(document, operationName)
    return cost <= mostSteps ? cost : Math.max(mostSteps, costOfFew(document, operationName))
  }
}

function narrowedSources(sources: FieldSources, entered: EntrySubgraphs): FieldSources {
  return { ...sources, entered: new Map([...sources.entered, ...entered]) }
}

/**
 * Returns the plan for an operation. With less effort than it takes, all alternatives are tried. Throws a
 * GatewayError when the planner's own limits are exceeded.
 */
export function buildQueryPlan(
  planner: QueryPlanner,
  operation: Operation,
  options: Parameters<QueryPlanner['buildQueryPlan']>[1],
  effort: Effort | undefined,
  graphOf: (subgraph: string) => string,
): QueryPlan {
  if (!effort) return planner.buildQueryPlan(operation, options)
  try {
    const plan = narrowedPlanner(planner, effort, graphOf).buildQueryPlan(operation, options)
    if (plan.node) return plan
  } catch {
    // Something is reached only by an alternative that was left out.
  }
  try {
    return planner.buildQueryPlan(operation, options)
  } catch (cause) {
    throw isLimitExceeded(cause) ? new GatewayError('OPERATION_TOO_COMPLEX', { cause }) : cause
  }
}

/** The planner throws an Error without a code; a list that grows too long throws a RangeError. */
function isLimitExceeded(cause: unknown): boolean {
  return (
    cause instanceof RangeError || (cause instanceof Error && /exceed(s|ed) /i.test(cause.message))
  )
}

/** Returns a planner on the same graph that enters subgraphs by key only where the effort allows it. */
function narrowedPlanner(
  planner: QueryPlanner,
  { entered, plans }: Effort,
  graphOf: (subgraph: string) => string,
): QueryPlanner {
  const graph = planner['federatedQueryGraph'] as QueryGraph
  const config = planner['config'] as { readonly debug: object }
  const isAllowed = ({ head, tail, transition }: Edge) => {
    if (transition.kind !== 'KeyResolution' || head.source === tail.source) return true
    return entered.get(tail.type.name)?.includes(graphOf(tail.source)) ?? true
  }
  const known = new Map<Edge, readonly Edge[]>()
  const followups = (edge: Edge) =>
    remembered(known, edge, () => graph.nonTrivialFollowupEdges(edge).filter(isAllowed))
  return Object.create(planner, {
    federatedQueryGraph: {
      value: Object.create(graph, { nonTrivialFollowupEdges: { value: followups } }),
    },
    config: { value: { ...config, debug: { ...config.debug, maxEvaluatedPlans: plans } } },
  }) as QueryPlanner
}
