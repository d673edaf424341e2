/** CollectFields (GraphQL, section 6.3.2), done once for an operation instead of once per object. */
import { Kind } from 'graphql'
import type { FieldNode, GraphQLCompositeType, GraphQLSchema, SelectionSetNode } from 'graphql'
import { conditionsOf, isIncluded } from './conditions.ts'
import type { Fragments } from './fragments.ts'
import { typeConditionApplies } from './type-conditions.ts'

/** What decides which selections of an operation are included, whatever the object. */
export interface Inclusion {
  readonly fragments: Fragments
  /** The values of the variables in `@skip` and `@include`. */
  readonly isTrue: (variable: string) => boolean
}

/** What decides which selections of an operation are included. */
export interface Selection extends Inclusion {
  readonly schema: GraphQLSchema
}

/**
 * Returns the fields of the sets for an object of the type: by response name, in order. Without a type,
 * those for any object.
 */
export function collectFields(
  { schema, ...inclusion }: Selection,
  type: GraphQLCompositeType | undefined,
  sets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const applies = (condition: string | undefined) =>
    !type || typeConditionApplies(schema, condition, type)
  return collectApplying(inclusion, applies, sets)
}

/** Returns the fields of the sets for an object that those type conditions apply to. */
export function collectApplying(
  { fragments, isTrue }: Inclusion,
  applies: (typeCondition: string | undefined) => boolean,
  sets: readonly SelectionSetNode[],
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>()
  const visited = new Set<string>()
  for (const set of sets) collect(set)
  return fields

  function collect(set: SelectionSetNode): void {
    for (const selection of set.selections) {
      if (!isIncluded(conditionsOf(selection), isTrue, 'false')) continue
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value
        const others = fields.get(key)
        if (others) others.push(selection)
        else fields.set(key, [selection])
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (applies(selection.typeCondition?.name.value)) collect(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment && applies(fragment.typeCondition.name.value)) collect(fragment.selectionSet)
      }
    }
  }
}
