/** @skip and @include, decided by the variables of a request. */
import type { GuardedOperation, Condition } from './guarded-operation.ts'

export type Variables = Readonly<Record<string, unknown>>

/** Returns the value of a boolean variable as execution will see it. */
export type ConditionValues = (variable: string) => unknown

export function conditionValues(compiled: GuardedOperation, variables: Variables): ConditionValues {
  return (name) =>
    Object.hasOwn(variables, name) && variables[name] !== undefined
      ? variables[name]
      : compiled.conditionVariables.get(name)
}

/** A selection takes part unless it is certain that it does not: an unreadable value is no excuse. */
export function takesPart(conditions: readonly Condition[], values: ConditionValues): boolean {
  return conditions.every((condition) => {
    const value = typeof condition.if === 'string' ? values(condition.if) : condition.if
    return condition.kind === 'skip' ? value !== true : value !== false
  })
}
