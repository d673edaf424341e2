import type { FetchNode, PlanNode } from '@apollo/query-planner'

/**
 * Returns the plan with each of its fetches replaced.
 *
 * @param replace gets the fetch, and the path of the objects that it adds to
 */
export function replaceFetches(
  node: PlanNode,
  replace: (fetch: FetchNode, path: readonly string[]) => PlanNode,
  path: readonly string[] = [],
): PlanNode {
  switch (node.kind) {
    case 'Fetch':
      return replace(node, path)
    case 'Flatten': {
      const below = [...path, ...node.path.map(String)]
      return { ...node, node: replaceFetches(node.node, replace, below) }
    }
    case 'Sequence':
    case 'Parallel':
      return { ...node, nodes: node.nodes.map((child) => replaceFetches(child, replace, path)) }
    case 'Condition': {
      const { ifClause, elseClause } = node
      return {
        ...node,
        ...(ifClause ? { ifClause: replaceFetches(ifClause, replace, path) } : {}),
        ...(elseClause ? { elseClause: replaceFetches(elseClause, replace, path) } : {}),
      }
    }
    default:
      return node
  }
}
