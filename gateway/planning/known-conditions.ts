/**
 * The fault: fields under `@skip` and `@include` that exclude each other make a fetch that never has
 * anything to fetch, and the fields beside them wait for it.
 */
import { Kind } from 'graphql'
import type {
  DirectiveNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { conditionOf } from '../graphql/conditions.ts'
import { isIntrospection, typenameField } from '../graphql/introspection-fields.ts'

/** The values that variables must have for a place of the operation to be reached. */
type KnownConditions = ReadonlyMap<string, boolean>

/**
 * Returns the operation without selections that are never included, and without the conditions that
 * a condition above them has decided. The selections of a fragment without any condition take its place.
 */
export function decideKnownConditions(operation: OperationDefinitionNode): OperationDefinitionNode {
  return { ...operation, selectionSet: decideInSet(operation.selectionSet, new Map()) }
}

/** Returns what is selected where the variable has the value. */
export function selectionsWhere(
  set: SelectionSetNode,
  variable: string,
  value: boolean,
): SelectionSetNode {
  return decideInSet(set, new Map([[variable, value]]))
}

function decideInSet(set: SelectionSetNode, known: KnownConditions): SelectionSetNode {
  const selections = set.selections.flatMap((one) => decide(one, known))
  return { ...set, selections: selections.length > 0 ? selections : [typenameField] }
}

function decide(selection: SelectionNode, above: KnownConditions): readonly SelectionNode[] {
  const conditions = remainingConditions(selection.directives, above)
  if (!conditions) return []
  const { known, directives } = conditions
  const decided = selection.directives?.length ? { ...selection, directives } : selection
  if (decided.kind === Kind.FRAGMENT_SPREAD || !decided.selectionSet) return [decided]
  if (decided.kind === Kind.FIELD && isIntrospection(decided.name.value)) return [decided]
  const selectionSet = decideInSet(decided.selectionSet, known)
  const isWithoutCondition =
    decided.kind === Kind.INLINE_FRAGMENT && !decided.typeCondition && directives.length === 0
  return isWithoutCondition ? selectionSet.selections : [{ ...decided, selectionSet }]
}

/** Returns what is left of the directives, or undefined for a selection that is never included. */
function remainingConditions(
  directives: readonly DirectiveNode[] | undefined,
  known: KnownConditions,
): { directives: readonly DirectiveNode[]; known: KnownConditions } | undefined {
  if (!directives?.length) return { directives: [], known }
  const remaining: DirectiveNode[] = []
  const now = new Map(known)
  for (const directive of directives) {
    const condition = conditionOf(directive)
    if (!condition) {
      remaining.push(directive)
      continue
    }
    const wanted = condition.kind === 'include'
    if (typeof condition.if === 'boolean') {
      if (condition.if !== wanted) return undefined
      continue
    }
    const decided = now.get(condition.if)
    if (decided === undefined) remaining.push(directive)
    else if (decided !== wanted) return undefined
    now.set(condition.if, wanted)
  }
  return { directives: remaining, known: now }
}
