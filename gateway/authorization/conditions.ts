/** `@skip` and `@include`, decided by the variables of a request. */
import { conditionValue, isIncluded } from '../graphql/conditions.ts'
import type { Condition, ConditionValues } from '../graphql/conditions.ts'
import type { GuardedOperation } from './guarded-operation.ts'

export type { ConditionValues } from '../graphql/conditions.ts'

/** The variables of a request, as the client sent them. */
export type Variables = Readonly<Record<string, unknown>>

/**
 * Returns the function for the values of variables as execution will see them. It is kept with what is
 * made by it: it holds none of the other variables, which can be large.
 */
export function conditionValues(
  { conditionVariables }: GuardedOperation,
  variables: Variables,
): ConditionValues {
  const values = new Map<string, unknown>()
  for (const name of conditionVariables.keys()) {
    values.set(name, conditionValue(name, variables, conditionVariables))
  }
  return (name) => values.get(name)
}

/** Returns whether a selection may be executed: it may unless it is certain that it is left out. */
export function takesPart(conditions: readonly Condition[], values: ConditionValues): boolean {
  return isIncluded(conditions, values, 'no reason')
}
