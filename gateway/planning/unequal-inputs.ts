/**
 * The fault: the planner puts fields into one fetch although what they require may not have been
 * fetched for all entities, and then no entity without it gets any of the fields.
 *
 * An interface object represents all types of its interface, and the requirements of its fields may be
 * known for some of them only; requirements of a field under `@skip` or `@include` are fetched under
 * that condition.
 */
import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import { entityFieldsOf, fieldsUnderSeveralConditions, partOfFetch } from './entity-fetch.ts'
import type { EntityField, FetchForSomeEntities } from './entity-fetch.ts'
import { mayForgetConditions } from './lost-conditions.ts'
import type { OperationToPlan, PassRules } from './passes.ts'

/** Returns a fetch for each set of requirements, and one for the fields that require nothing. */
export function separateInputs(
  fetch: FetchNode,
  { entities, graphOf }: PassRules,
  { document }: OperationToPlan,
): readonly FetchForSomeEntities[] {
  if (!fetch.requires) return [fetch]
  const graph = graphOf(fetch.serviceName)
  const fields = entityFieldsOf(fetch)
  const types = [...new Set(fields.map(({ type }) => type))]
  const isInterfaceObject = types.length === 1 && entities.isInterfaceObject(graph, types[0]!)
  const doubtful = fieldsUnderSeveralConditions(fields)
  const mayForget = mayForgetConditions(document)
  const groups = new Map<string, Set<string>>()
  for (const field of fields) {
    const requirements = groups.get(groupOf(field)) ?? new Set()
    requirementsOf(field).forEach((path) => requirements.add(path))
    groups.set(groupOf(field), requirements)
  }
  if (groups.size === 0) return [fetch]
  if (groups.size === 1 && !isInterfaceObject) return [withInputs(fetch, [...groups.values()][0]!)]

  const keys = types.flatMap((type) => entities.keysOf(graph, type))
  const keyPaths = new Set(types.flatMap((type) => entities.keyPathsOf(graph, type)))
  const everyRequirement = new Set([...groups.values()].flatMap((paths) => [...paths]))
  return [...groups].flatMap(([group, requirements]) => {
    const part = partOfFetch(
      // Of several ways to represent an entity, one may lack what a doubtful field requires.
      isOfDoubtful(group) ? { ...fetch, requires: oneWayForEachType(fetch.requires!) } : fetch,
      (field) => groupOf(field) === group,
      (_name, path) => !everyRequirement.has(path) || requirements.has(path) || keyPaths.has(path),
    )
    // For interface objects, what other types need may come without a key: that is no representation.
    if (!part) return []
    const complete = withInputs(part, requirements)
    return [isInterfaceObject ? { ...complete, keys } : complete]
  })

  function requirementsOf({ type, field }: EntityField): readonly string[] {
    return entities.requirementsOf(graph, type, field)
  }

  function groupOf(field: EntityField): string {
    const requirements = requirementsOf(field)
    if (isInterfaceObject)
      return `${requirements.join(' ')} ${requirements.length > 0 ? field.conditions : ''}`
    if (requirements.length === 0) return ''
    // One of several may not have its inputs: the fields beside it must not be lost with it.
    if (doubtful.has(field.field)) return `${field.conditions} ${field.field}`
    return mayForget ? `${field.conditions} ${requirements.join(' ')}` : field.conditions
  }

  function isOfDoubtful(group: string): boolean {
    return fields.some((field) => doubtful.has(field.field) && groupOf(field) === group)
  }
}

/** Returns the fetch with the names of what is required, if an entity can be represented in several ways. */
function withInputs(fetch: FetchNode, requirements: ReadonlySet<string>): FetchForSomeEntities {
  if (requirements.size === 0 || fragmentsIn(fetch.requires ?? []) < 2) return fetch
  const isInside = (path: string) => path.includes('.')
  return { ...fetch, inputs: [...requirements].filter((path) => !isInside(path)) }
}

/** Returns how many fragments there are, also inside of each other. */
function fragmentsIn(selections: readonly QueryPlanSelectionNode[]): number {
  return selections.reduce(
    (sum, one) => (one.kind === 'Field' ? sum : sum + 1 + fragmentsIn(one.selections)),
    0,
  )
}

/** Returns what all fragments on a type have together as the one fragment on it. */
function oneWayForEachType(requires: readonly QueryPlanSelectionNode[]): QueryPlanSelectionNode[] {
  const ways = new Map<string, QueryPlanSelectionNode>()
  for (const way of requires) {
    const key = way.kind === 'Field' ? way.name : `... on ${way.typeCondition}`
    const known = ways.get(key)
    if (way.kind === 'Field' || known?.kind !== 'InlineFragment') ways.set(key, way)
    else ways.set(key, { ...known, selections: distinct([...known.selections, ...way.selections]) })
  }
  return [...ways.values()]
}

function distinct(selections: readonly QueryPlanSelectionNode[]): QueryPlanSelectionNode[] {
  return [...new Map(selections.map((one) => [JSON.stringify(one), one])).values()]
}
