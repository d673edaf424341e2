/** `@skip` and `@include` on a selection, where those above it have decided some variables already. */
import type { DirectiveNode } from 'graphql'
import { conditionOf } from '../graphql/conditions.ts'

/** The values that variables must have for a place of the operation to be reached. */
export type KnownConditions = ReadonlyMap<string, boolean>

export const nothingKnown: KnownConditions = new Map()

export interface RemainingConditions {
  /** Those that decide something. */
  readonly directives: readonly DirectiveNode[]
  readonly known: KnownConditions
}

/** Returns what is left of the directives, or undefined for a selection that is never included. */
export function remainingConditions(
  directives: readonly DirectiveNode[] | undefined,
  known: KnownConditions,
): RemainingConditions | undefined {
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
