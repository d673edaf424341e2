import type { PlanNode, QueryPlan } from '@apollo/query-planner'

/**
 * Returns the plan of an operation as steps in order. A subscription is planned as its primary fetch and
 * the rest, which needs what an event has brought: an event is the response to the first fetch.
 */
export function stepsInOrder(node: NonNullable<QueryPlan['node']>): PlanNode {
  if (node.kind !== 'Subscription') return node
  return node.rest ? { kind: 'Sequence', nodes: [node.primary, node.rest] } : node.primary
}
