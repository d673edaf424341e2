import { directiveOf, guardKinds } from '../../gateway/authorization/guard-directives.ts'
import type { GuardKind } from '../../gateway/authorization/guard-directives.ts'
import type { GuardedElement, GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import type { AcceptedNames } from './accepted-names.ts'
import type { Unplaced } from './finding.ts'

/** The names that look mistyped, and the unnecessary accepted names. */
export interface NameTypos {
  readonly findings: readonly Unplaced[]
  /** Accepted names for which there is no finding any more. */
  readonly needless: readonly { readonly code: string; readonly name: string }[]
}

interface Kind {
  readonly kind: GuardKind
  readonly noun: string
  readonly code: string
}

/** The guards that name something. */
const kinds = guardKinds.flatMap((kind): Kind[] => {
  const { names } = directiveOf(kind)
  return names ? [{ kind, noun: names.noun, code: names.typo }] : []
})

/**
 * Returns the scopes and policies that are required in one place only and look like a typo of another.
 * Of two that both occur once, the later one is reported.
 */
export function nameTypos(schema: GuardedSchema, accepted: AcceptedNames): NameTypos {
  const found = kinds.map((kind) => ({ kind, typos: typosOf(kind, schema) }))
  return {
    findings: found.flatMap(({ kind: { code }, typos }) =>
      typos.flatMap(({ name, finding }) => (accepted[code]?.includes(name) ? [] : [finding])),
    ),
    needless: found.flatMap(({ kind: { code }, typos }) =>
      (accepted[code] ?? [])
        .filter((name) => !typos.some((typo) => typo.name === name))
        .map((name) => ({ code, name })),
    ),
  }
}

function typosOf(kind: Kind, schema: GuardedSchema): { name: string; finding: Unplaced }[] {
  const uses = [...usesByName(kind, schema)]
  return uses.flatMap(([name, places], index) => {
    const meant = uses
      .filter(([, others], position) => others.length > 1 || position < index)
      .flatMap(([other]) => (looksLike(name, other) ? [JSON.stringify(other)] : []))
    if (places.length > 1 || meant.length === 0) return []
    const [coordinate] = places as [string]
    const message = `${coordinate} demands the ${kind.noun} ${JSON.stringify(name)}, which is found nowhere else: is ${meant.join(' or ')} meant?`
    return { name, finding: { severity: 'error' as const, code: kind.code, coordinate, message } }
  })
}

/** The places that require each scope, or each policy. */
function usesByName({ kind }: Kind, { types }: GuardedSchema): Map<string, string[]> {
  const uses = new Map<string, string[]>()
  const elements: GuardedElement[] = [...types.values()].flatMap((type) => [
    type,
    ...type.fields.values(),
  ])
  for (const { coordinate, guards } of elements) {
    const names = guards
      .filter((guard) => guard.kind === kind)
      .flatMap((guard) => directiveOf(kind).alternatives(guard).flat())
    for (const name of new Set(names)) uses.set(name, [...(uses.get(name) ?? []), coordinate])
  }
  return uses
}

/** Shorter names that differ in one letter are often not typos. */
const leastLength = 5

/** Whether a letter is missing, added, replaced or swapped, or only the case differs. */
function looksLike(name: string, other: string): boolean {
  if (name === other) return false
  if (name.toLowerCase() === other.toLowerCase()) return true
  if (Math.min(name.length, other.length) < leastLength) return false
  return differsInOneLetter(name, other) && !differsInNumber(name, other)
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

/** `v1` and `v2` are different names, not typos. */
function differsInNumber(one: string, other: string): boolean {
  return one.replaceAll(/\d+/g, '#') === other.replaceAll(/\d+/g, '#')
}
