import type { GuardedElement, GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import type { Unplaced } from './finding.ts'

/**
 * Returns the scopes that are demanded in one place only, and look like another one mistyped. Of two
 * that both occur once, the later one is asked about.
 */
export function scopeTypos(schema: GuardedSchema): Unplaced[] {
  const uses = [...usesByScope(schema)]
  return uses.flatMap(([scope, places], index) => {
    const meant = uses
      .filter(([, others], position) => others.length > 1 || position < index)
      .flatMap(([other]) => (looksLike(scope, other) ? [JSON.stringify(other)] : []))
    if (places.length > 1 || meant.length === 0) return []
    const [coordinate] = places as [string]
    return {
      severity: 'error' as const,
      code: 'SCOPE_TYPO',
      coordinate,
      message: `${coordinate} demands the scope ${JSON.stringify(scope)}, which is found nowhere else: is ${meant.join(' or ')} meant?`,
    }
  })
}

/** The places that demand each scope. */
function usesByScope({ types }: GuardedSchema): Map<string, string[]> {
  const uses = new Map<string, string[]>()
  const elements: GuardedElement[] = [...types.values()].flatMap((type) => [
    type,
    ...type.fields.values(),
  ])
  for (const { coordinate, guards } of elements) {
    const scopes = guards.flatMap((guard) => (guard.kind === 'scopes' ? guard.anyOf.flat() : []))
    for (const scope of new Set(scopes)) uses.set(scope, [...(uses.get(scope) ?? []), coordinate])
  }
  return uses
}

/** Below this length, names that differ in one letter are as often meant as mistyped. */
const leastLength = 5

/** One letter missing, added, replaced or swapped; or only written in other capitals. */
function looksLike(scope: string, other: string): boolean {
  if (scope === other) return false
  if (scope.toLowerCase() === other.toLowerCase()) return true
  if (Math.min(scope.length, other.length) < leastLength) return false
  return differsInOneLetter(scope, other) && !differsInNumber(scope, other)
}

function differsInOneLetter(one: string, other: string): boolean {
  let start = 0
  while (start < one.length && one[start] === other[start]) start++
  const left = one.slice(start)
  const right = other.slice(start)
  return (
    left.slice(1) === right ||
    left === right.slice(1) ||
    left.slice(1) === right.slice(1) ||
    (left[0] === right[1] && left[1] === right[0] && left.slice(2) === right.slice(2))
  )
}

/** `v1` and `v2` are two names. */
function differsInNumber(one: string, other: string): boolean {
  return one.replaceAll(/\d+/g, '#') === other.replaceAll(/\d+/g, '#')
}
