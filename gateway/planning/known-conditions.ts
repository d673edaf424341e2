/** `@skip` and `@include` on a selection, where those above it have decided some variables already. */
import { Kind } from 'graphql'
import type { DirectiveNode } from 'graphql'

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
    const { value: name } = directive.name
    const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value
    if ((name !== 'skip' && name !== 'include') || !value) {
      remaining.push(directive)
      continue
    }
    const wanted = name === 'include'
    if (value.kind === Kind.BOOLEAN) {
      if (value.value !== wanted) return undefined
    } else if (value.kind === Kind.VARIABLE) {
      const decided = now.get(value.name.value)
      if (decided === undefined) remaining.push(directive)
      else if (decided !== wanted) return undefined
      now.set(value.name.value, wanted)
    }
  }
  return { directives: remaining, known: now }
}
