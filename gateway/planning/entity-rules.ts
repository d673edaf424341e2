/** What the supergraph says about entities in each subgraph: their keys, and what their fields require. */
import { Kind } from 'graphql'
import type { DocumentNode, SelectionSetNode } from 'graphql'
import { parseFieldSet } from '../graphql/field-set.ts'
import { applied, argument } from '../graphql/supergraph-directives.ts'
import { hasFields } from '../graphql/type-with-fields.ts'

/** The keys and requirements of entities. */
export type EntityRules = ReturnType<typeof entityRules>

/** Returns the rules; `graph` is the subgraph's value in `join__Graph`. */
export function entityRules(supergraph: DocumentNode) {
  const keys = new Map<string, string[]>()
  const requirements = new Map<string, string>()
  const requiring = new Set<string>()
  const requireInputs = new Set<string>()
  const interfaceObjects = new Set<string>()

  for (const type of supergraph.definitions.filter(hasFields)) {
    const { value: typeName } = type.name
    for (const join of applied(type.directives, 'join__type')) {
      const place = `${argument(join, 'graph')}.${typeName}`
      const key = argument(join, 'key')
      if (key !== undefined && argument(join, 'resolvable') !== false) {
        keys.set(place, [...(keys.get(place) ?? []), String(key)])
      }
      if (argument(join, 'isInterfaceObject') === true) interfaceObjects.add(place)
    }
    for (const field of type.fields ?? []) {
      for (const join of applied(field.directives, 'join__field')) {
        const requires = argument(join, 'requires')
        if (requires === undefined) continue
        const place = `${argument(join, 'graph')}.${typeName}.${field.name.value}`
        requirements.set(place, String(requires))
        requiring.add(String(argument(join, 'graph')))
        requireInputs.add(field.name.value)
      }
    }
  }

  return {
    /** Returns the fields of each key that the subgraph resolves. */
    keysOf: (graph: string, type: string) => keySetsOf(graph, type).map(namesIn),
    /** Returns the paths of each key that the subgraph resolves: `size`, `size.width`. */
    keyPathsOf: (graph: string, type: string) => keySetsOf(graph, type).flatMap(pathsIn),
    /** Returns the paths of what a field requires. */
    requirementsOf(graph: string, type: string, field: string): readonly string[] {
      const set = requirementSetOf(graph, type, field)
      return set === '' ? [] : pathsIn(set)
    },
    /** Returns whether the type is an interface object in the subgraph. */
    isInterfaceObject: (graph: string, type: string) => interfaceObjects.has(`${graph}.${type}`),
    /** Returns whether any field of the subgraph requires anything. */
    hasRequirements: (graph: string) => requiring.has(graph),
    /** The names of the fields that require anything, in any type and subgraph. */
    requireInputs: requireInputs as ReadonlySet<string>,
    keySetsOf,
    requirementSetOf,
  }

  /** Returns the keys that the subgraph resolves, as field sets. */
  function keySetsOf(graph: string, type: string): readonly string[] {
    return keys.get(`${graph}.${type}`) ?? []
  }

  /** Returns what a field requires, as a field set; empty when it requires nothing. */
  function requirementSetOf(graph: string, type: string, field: string): string {
    return requirements.get(`${graph}.${type}.${field}`) ?? ''
  }
}

/** Returns the paths of all fields in a field set, whatever the types on the way are. */
function pathsIn(fieldSet: string): string[] {
  return pathsBelow(parseFieldSet(fieldSet), '')
}

function pathsBelow({ selections }: SelectionSetNode, above: string): string[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return []
    if (selection.kind === Kind.INLINE_FRAGMENT) return pathsBelow(selection.selectionSet, above)
    const path = above + selection.name.value
    const below = selection.selectionSet ? pathsBelow(selection.selectionSet, `${path}.`) : []
    return [path, ...below]
  })
}

/** Returns the fields of the entity itself. */
function namesIn(fieldSet: string): string[] {
  return parseFieldSet(fieldSet).selections.flatMap((selection) =>
    selection.kind === Kind.FIELD ? [selection.name.value] : [],
  )
}
