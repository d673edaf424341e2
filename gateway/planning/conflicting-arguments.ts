/**
 * The fault: the planner puts fields that require one field with different arguments into one fetch,
 * although a representation has room for one value of a field.
 */
import type { FetchNode } from '@apollo/query-planner'
import { entityFieldsOf, inputNames, partOfFetch } from './entity-fetch.ts'
import type { EntityField } from './entity-fetch.ts'
import type { PassRules } from './passes.ts'

/** Returns a fetch for each set of arguments. */
export function separateArguments(
  fetch: FetchNode,
  { requiredFields, requiredBy, graphOf }: PassRules,
): readonly FetchNode[] {
  if (!fetch.requires) return [fetch]
  const given = inputNames(fetch.requires).filter((name) => requiredFields.has(name))
  const conflicting = conflictsAmong(given)
  if (conflicting.size === 0) return [fetch]

  const graph = graphOf(fetch.serviceName)
  const needsOf = ({ type, field }: EntityField) =>
    (requiredBy.get(`${graph}.${type}.${field}`) ?? []).filter((name) => conflicting.has(name))
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
