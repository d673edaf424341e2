/** Fetches that the planner put into one although their representations cannot be the same. */
import type { FetchNode } from '@apollo/query-planner'
import { entityFieldsOf, inputNames, partOfFetch } from './entity-fetch.ts'
import type { EntityField } from './entity-fetch.ts'
import type { EntityRules } from './entity-rules.ts'
import type { RequiredField } from './required-arguments.ts'

/** A fetch with the keys of which its representations have to hold one whole. */
export type FetchWithKeys = FetchNode & { readonly keys?: readonly (readonly string[])[] }

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
): FetchWithKeys[] {
  if (!fetch.requires) return [fetch]
  const fields = entityFieldsOf(fetch)
  const types = [...new Set(fields.map(({ type }) => type))]
  const isInterfaceObject = types.length === 1 && rules.isInterfaceObject(graph, types[0]!)
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
      fetch,
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
    return requirements.length > 0 ? field.conditions : ''
  }
}
