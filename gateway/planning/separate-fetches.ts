/** Fetches that the planner put into one although their representations cannot be the same. */
import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner'
import {
  entityFieldsOf,
  fieldsUnderSeveralConditions,
  inputNames,
  partOfFetch,
} from './entity-fetch.ts'
import type { EntityField } from './entity-fetch.ts'
import type { EntityRules } from './entity-rules.ts'
import type { RequiredField } from './required-arguments.ts'

/** A fetch that is not for all entities at its place. */
export type FetchWithRules = FetchNode & {
  /** Its representations have to hold one of these keys whole. */
  readonly keys?: readonly (readonly string[])[]
  /** It is for entities that are without this field. */
  readonly unless?: string
}

/**
 * One representation has room for one value of a field: fields that require it with other arguments
 * are fetched with representations of their own.
 */
export function separateArguments(
  fetch: FetchNode,
  requiredFields: ReadonlyMap<string, RequiredField>,
  standInsOf: (field: EntityField) => readonly string[],
): FetchNode[] {
  if (!fetch.requires) return [fetch]
  const given = inputNames(fetch.requires).filter((name) => requiredFields.has(name))
  const conflicting = conflictsAmong(given)
  if (conflicting.size === 0) return [fetch]

  const needsOf = (field: EntityField) => standInsOf(field).filter((name) => conflicting.has(name))
  const groups: Set<string>[] = []
  for (const field of entityFieldsOf(fetch)) {
    const needs = needsOf(field)
    const fitting = groups.find((group) => conflictsAmong([...group, ...needs]).size === 0)
    if (fitting) needs.forEach((name) => fitting.add(name))
    else groups.push(new Set(needs))
  }
  return groups.flatMap((group, index) => {
    const part = partOfFetch(
      fetch,
      (field) => {
        const needs = needsOf(field)
        return needs.length === 0 ? index === 0 : needs.every((name) => group.has(name))
      },
      (name) => !conflicting.has(name) || group.has(name),
    )
    return part ? [part] : []
  })

  function conflictsAmong(names: readonly string[]): Set<string> {
    const original = (name: string) => requiredFields.get(name)!.name
    return new Set(
      names.filter((name) =>
        names.some((other) => other !== name && original(other) === original(name)),
      ),
    )
  }
}

/**
 * What a field requires may not have been fetched for all entities. An interface object stands for
 * all types of its interface, and the requirements of its fields may be known for some of them only;
 * requirements of a field under `@skip` or `@include` are fetched under that condition. Such fields
 * get fetches of their own, so that the others do not wait for representations that never come.
 */
export function separateRequirements(
  fetch: FetchNode,
  graph: string,
  rules: EntityRules,
): FetchWithRules[] {
  if (!fetch.requires) return [fetch]
  const fields = entityFieldsOf(fetch)
  const types = [...new Set(fields.map(({ type }) => type))]
  const isInterfaceObject = types.length === 1 && rules.isInterfaceObject(graph, types[0]!)
  const doubtful = fieldsUnderSeveralConditions(fields)
  const groups = new Map<string, Set<string>>()
  for (const field of fields) {
    const requirements = groups.get(groupOf(field)) ?? new Set()
    requirementsOf(field).forEach((name) => requirements.add(name))
    groups.set(groupOf(field), requirements)
  }
  if (groups.size === 0 || (groups.size === 1 && !isInterfaceObject)) return [fetch]

  const keys = types.flatMap((type) => rules.keysOf(graph, type))
  const isKey = (name: string) => keys.some((key) => key.includes(name))
  const everyRequirement = new Set([...groups.values()].flatMap((names) => [...names]))
  return [...groups].flatMap(([group, requirements]) => {
    const part = partOfFetch(
      // Of several ways to represent an entity, one may lack what a doubtful field requires.
      isOfDoubtful(group) ? { ...fetch, requires: oneWayForEachType(fetch.requires!) } : fetch,
      (field) => groupOf(field) === group,
      (name) => !everyRequirement.has(name) || requirements.has(name) || isKey(name),
    )
    // For interface objects, what other types need may come without a key: that is no representation.
    return part ? [isInterfaceObject ? { ...part, keys } : part] : []
  })

  function requirementsOf({ type, field }: EntityField): readonly string[] {
    return rules.requirementsOf(graph, type, field)
  }

  function groupOf(field: EntityField): string {
    const requirements = requirementsOf(field)
    if (isInterfaceObject)
      return `${requirements.join(' ')} ${requirements.length > 0 ? field.conditions : ''}`
    if (requirements.length === 0) return ''
    // One of several may not have its inputs: what it is asked for with shall not go without.
    return doubtful.has(field.field) ? `${field.conditions} ${field.field}` : field.conditions
  }

  function isOfDoubtful(group: string): boolean {
    return fields.some((field) => doubtful.has(field.field) && groupOf(field) === group)
  }
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
