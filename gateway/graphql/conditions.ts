/** `@skip` and `@include` (GraphQL, sections 3.13.1 and 3.13.2). */
import { Kind } from 'graphql'
import type {
  DirectiveNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import type { Fragments } from './fragments.ts'

/** One `@skip` or `@include` on a selection. */
export interface Condition {
  readonly kind: 'skip' | 'include'
  /** The value, or the name of the variable that has it. */
  readonly if: boolean | string
}

/** The variables that conditions use, each with its default value. */
export type ConditionVariables = ReadonlyMap<string, boolean | undefined>

/** Returns the value of a variable; anything but a Boolean is an unknown value. */
export type ConditionValues = (variable: string) => unknown

/** Returns the condition of a directive; undefined for any other directive. */
export function conditionOf(directive: DirectiveNode): Condition | undefined {
  const kind = directive.name.value
  if (kind !== 'skip' && kind !== 'include') return undefined
  const value = directive.arguments?.find(({ name }) => name.value === 'if')?.value
  if (value?.kind === Kind.VARIABLE) return { kind, if: value.name.value }
  return value?.kind === Kind.BOOLEAN ? { kind, if: value.value } : undefined
}

/** Returns the conditions of a selection: it is included when all of them hold. */
export function conditionsOf({ directives }: SelectionNode): Condition[] {
  return (directives ?? []).flatMap((directive) => conditionOf(directive) ?? [])
}

/**
 * Returns whether a selection with these conditions is included.
 *
 * @param unknownIs what an unknown value does. `'false'`: it counts as false, so `@include` leaves the
 *   selection out; this is for execution. `'no reason'`: it is no reason to leave the selection out;
 *   this is for authorization, which may ignore a selection only if it is certain not to be executed
 */
export function isIncluded(
  conditions: readonly Condition[],
  valueOf: ConditionValues,
  unknownIs: 'false' | 'no reason',
): boolean {
  return conditions.every((condition) => {
    const value = typeof condition.if === 'string' ? valueOf(condition.if) : condition.if
    if (condition.kind === 'skip') return value !== true
    return unknownIs === 'false' ? value === true : value !== false
  })
}

/** Returns the variables that conditions anywhere in the operation use, with their defaults. */
export function conditionVariables(
  { selectionSet, variableDefinitions }: OperationDefinitionNode,
  fragments: Fragments,
): ConditionVariables {
  const names = new Set<string>()
  const visited = new Set<string>()
  visit(selectionSet)
  const defaults = new Map(
    (variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue?.kind === Kind.BOOLEAN ? defaultValue.value : undefined,
    ]),
  )
  return new Map([...names].map((name) => [name, defaults.get(name)]))

  function visit({ selections }: SelectionSetNode): void {
    for (const selection of selections) {
      for (const condition of conditionsOf(selection)) {
        if (typeof condition.if === 'string') names.add(condition.if)
      }
      if (selection.kind !== Kind.FRAGMENT_SPREAD) {
        if (selection.selectionSet) visit(selection.selectionSet)
      } else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment) visit(fragment.selectionSet)
      }
    }
  }
}

/** Returns the value of a variable in a condition as the request decides it: its default if it is absent. */
export function conditionValue(
  name: string,
  variables: Readonly<Record<string, unknown>>,
  defaults: ConditionVariables,
): unknown {
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined
  return value === undefined ? defaults.get(name) : value
}
