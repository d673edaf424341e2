/** Which subgraphs resolve which fields, as the supergraph says. */
import type { ConstDirectiveNode, DocumentNode } from 'graphql'
import { applied, argument } from '../graphql/supergraph-directives.ts'
import { hasFields } from '../graphql/type-with-fields.ts'

/** The subgraphs that resolve each field. */
export interface FieldSources {
  /** By `Type.field`: the subgraphs that resolve the field. */
  readonly resolving: ReadonlyMap<string, readonly string[]>
  /** By type: the subgraphs in which a fetch of it can start, by key or as a root type. */
  readonly entered: ReadonlyMap<string, readonly string[]>
}

const rootTypes = ['Query', 'Mutation']

/** Returns the sources of all fields; subgraphs are named as in `join__Graph`. */
export function fieldSources(supergraph: DocumentNode): FieldSources {
  const resolving = new Map<string, string[]>()
  const entered = new Map<string, string[]>()
  for (const type of supergraph.definitions.filter(hasFields)) {
    const { value: typeName } = type.name
    const joins = applied(type.directives, 'join__type')
    const isRoot = rootTypes.includes(typeName)
    const entries = joins.filter((join) => isRoot || hasResolvableKey(join))
    if (entries.length > 0) entered.set(typeName, graphsOf(entries))
    for (const { name, directives } of type.fields ?? []) {
      const fieldJoins = applied(directives, 'join__field')
      const owners = fieldJoins.filter(isOwner)
      // Without an owner that is named, every subgraph with the type has the field.
      const isNamed = fieldJoins.length > 0 && owners.every((join) => argument(join, 'graph'))
      resolving.set(`${typeName}.${name.value}`, graphsOf(isNamed ? owners : joins))
    }
  }
  return { resolving, entered }
}

function hasResolvableKey(join: ConstDirectiveNode): boolean {
  return argument(join, 'key') !== undefined && argument(join, 'resolvable') !== false
}

function isOwner(join: ConstDirectiveNode): boolean {
  return argument(join, 'external') !== true && argument(join, 'usedOverridden') !== true
}

function graphsOf(joins: readonly ConstDirectiveNode[]): string[] {
  return [...new Set(joins.map((join) => String(argument(join, 'graph'))))]
}
