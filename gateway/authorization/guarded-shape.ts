/** The shape of the response to a partly denied operation: the client's shape, with nulls. */
import { isIncluded } from '../graphql/conditions.ts'
import type { Applies, CollectedField, SharedShape } from '../graphql/response-shape.ts'
import type { ConditionValues } from './conditions.ts'
import type { GuardedOperation, GuardedSelections } from './guarded-operation.ts'
import type { Requirement } from './guarded-schema.ts'
import { remembered } from '../values/remembered.ts'

/** A selection set, and the denials around it, which apply to all of its fields. */
interface Scope {
  readonly set: GuardedSelections
  readonly inherited: Requirement
}

/**
 * Returns the shape of the complete operation, in which the denied fields are marked. Beneath a field
 * that is denied at one place and allowed at another, what only the denied place selects is denied.
 *
 * A shape outlives the decision that it was made for: it holds nothing of it but what it needs.
 */
export function guardedShape(
  { selections, document }: GuardedOperation,
  failing: ReadonlySet<number>,
  values: ConditionValues,
): SharedShape<Scope> {
  const denies = (requirement: Requirement) => requirement.some((guard) => failing.has(guard))
  return {
    document,
    root: { set: selections, inherited: [] },
    collect: (scopes, applies) => collectFields(scopes, applies, denies, values),
  }
}

/** CollectFields (GraphQL, section 6.3.2), with the denied fields marked. */
function collectFields(
  scopes: readonly Scope[],
  applies: Applies,
  denies: (requirement: Requirement) => boolean,
  values: ConditionValues,
): ReadonlyMap<string, readonly CollectedField<Scope>[]> {
  const fields = new Map<string, CollectedField<Scope>[]>()
  const visited = { denied: new Set<GuardedSelections>(), allowed: new Set<GuardedSelections>() }
  for (const scope of scopes) collect(scope)
  return fields

  function collect({ set, inherited }: Scope): void {
    for (const selection of set.selections) {
      if (!isIncluded(selection.conditions, values, 'no reason')) continue
      const requirement = [...inherited, ...selection.requirement]
      const isDenied = inherited.length > 0 || denies(selection.requirement)
      const below = { set: selection.selections!, inherited: isDenied ? requirement : [] }
      if (selection.kind === 'field') {
        const field = {
          node: selection.node,
          selections: selection.selections && below,
          denied: isDenied ? requirement : undefined,
        }
        remembered(fields, selection.responseKey, () => []).push(field)
      } else if (applies(selection.typeCondition)) {
        const seen = isDenied ? visited.denied : visited.allowed
        if (seen.has(selection.selections)) continue
        seen.add(selection.selections)
        collect(below)
      }
    }
  }
}
