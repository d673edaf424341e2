/** The part of a plan that a part of its operation needs. */
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner'
import { getOperationAST, Kind, parse } from 'graphql'
import type { DocumentNode, SelectionSetNode } from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import type { DocumentNames } from './passes.ts'
import type { NamesInUse } from './response-names.ts'

/**
 * Returns the plan with only the fetches that bring a field of a document, and those before them, from which
 * they may have keys or requirements.
 *
 * @param document selects a part of what was planned
 * @param names those of the document that was planned, and whether the supergraph has interface objects
 */
export function partOfPlan(
  { node, ...plan }: QueryPlan,
  document: DocumentNode,
  names: DocumentNames & Pick<NamesInUse, 'hasInterfaceObjects'>,
): QueryPlan {
  const selected = selectedPaths(document, names)
  const part = node && node.kind !== 'Subscription' ? partOf(node, []) : undefined
  return { ...plan, ...(part ? { node: part } : {}) }

  function partOf(step: PlanNode, path: readonly string[]): PlanNode | undefined {
    switch (step.kind) {
      case 'Fetch':
        return brings(step, path) ? step : undefined
      case 'Flatten': {
        const keys = step.path.map(String).filter((key) => !isNoName(key))
        const below = partOf(step.node, [...path, ...keys])
        return below && { ...step, node: below as typeof step.node }
      }
      case 'Parallel': {
        const nodes = step.nodes.flatMap((one) => partOf(one, path) ?? [])
        return nodes.length > 0 ? { ...step, nodes } : undefined
      }
      case 'Sequence': {
        const parts = step.nodes.map((one) => partOf(one, path))
        const last = parts.findLastIndex((part) => part !== undefined)
        if (last === -1) return undefined
        return { ...step, nodes: [...step.nodes.slice(0, last), parts[last]!] }
      }
      case 'Condition': {
        const ifClause = step.ifClause && partOf(step.ifClause, path)
        const elseClause = step.elseClause && partOf(step.elseClause, path)
        if (!ifClause && !elseClause) return undefined
        const { kind, condition } = step
        return {
          kind,
          condition,
          ...(ifClause ? { ifClause } : {}),
          ...(elseClause ? { elseClause } : {}),
        }
      }
      default:
        return step
    }
  }

  function brings(fetch: FetchNode, path: readonly string[]): boolean {
    const renamed = renamedKeys(fetch)
    const [definition] = parse(fetch.operation, { noLocation: true }).definitions
    if (definition?.kind !== Kind.OPERATION_DEFINITION) return true
    const [entities] = definition.selectionSet.selections
    if (!fetch.requires) return bringsAny(definition.selectionSet, path, false)
    if (entities?.kind !== Kind.FIELD || !entities.selectionSet) return true
    return bringsAny(entities.selectionSet, path, true)

    /** The `__typename` of entities is known before they are fetched, except that of interface objects. */
    function bringsAny(
      { selections }: SelectionSetNode,
      at: readonly string[],
      ofEntities: boolean,
    ): boolean {
      return selections.some((one) => {
        if (one.kind === Kind.INLINE_FRAGMENT) return bringsAny(one.selectionSet, at, ofEntities)
        if (one.kind !== Kind.FIELD) return true
        const key = (one.alias ?? one.name).value
        if (ofEntities && key === '__typename' && !names.hasInterfaceObjects) return false
        const below = [...at, renamed.get(key) ?? key]
        return one.selectionSet
          ? bringsAny(one.selectionSet, below, false)
          : selected.has(below.join('.'))
      })
    }
  }
}

function isNoName(key: string): boolean {
  return key === '@' || /^\d+$/.test(key)
}

/** Returns the names that the planner gave to fields, with those of the operation. */
function renamedKeys({ outputRewrites = [] }: FetchNode): ReadonlyMap<string, string> {
  return new Map(
    outputRewrites.flatMap((rewrite) =>
      rewrite.kind === 'KeyRenamer'
        ? [[String(rewrite.path.at(-1)), rewrite.renameKeyTo] as const]
        : [],
    ),
  )
}

/** Returns the paths of the leaves of a document in the fetched data, and of `__typename` of each object. */
function selectedPaths(document: DocumentNode, { fetchedAs }: DocumentNames): ReadonlySet<string> {
  const fragments = fragmentsOf(document)
  const paths = new Set<string>()
  add(getOperationAST(document)!.selectionSet, [])
  return paths

  function add({ selections }: SelectionSetNode, path: readonly string[]): void {
    paths.add([...path, '__typename'].join('.'))
    for (const one of selections) {
      if (one.kind === Kind.FRAGMENT_SPREAD) add(fragments.get(one.name.value)!.selectionSet, path)
      else if (one.kind === Kind.INLINE_FRAGMENT) add(one.selectionSet, path)
      else {
        const below = [...path, fetchedAs(one)]
        if (one.selectionSet) add(one.selectionSet, below)
        else paths.add(below.join('.'))
      }
    }
  }
}
