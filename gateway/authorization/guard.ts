/** What one directive demands of the caller, and whether a caller meets it. */
import type { Alternatives } from './alternatives.ts'

export type Guard =
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'scopes'; readonly anyOf: Alternatives }
  | { readonly kind: 'policies'; readonly anyOf: Alternatives }

/** Guards by number: equal ones have the same, so that a requirement is a set of small numbers. */
export interface GuardTable {
  readonly guards: readonly Guard[]
  number(guard: Guard): number
}

/** Returns a table that begins with the given guards. */
export function guardTable(first: readonly Guard[]): GuardTable {
  const guards: Guard[] = []
  const numbers = new Map<string, number>()
  first.forEach(number)
  return { guards, number }

  function number(guard: Guard): number {
    const canonical = canonicalGuard(guard)
    const key = JSON.stringify(canonical)
    const known = numbers.get(key)
    if (known !== undefined) return known
    numbers.set(key, guards.length)
    return guards.push(canonical) - 1
  }
}

/** The order in which somebody wrote scopes makes no other requirement. */
function canonicalGuard(guard: Guard): Guard {
  if (guard.kind === 'authenticated') return guard
  const alternatives = guard.anyOf.map((all) => [...new Set(all)].sort())
  const byText = new Map(alternatives.map((all) => [JSON.stringify(all), all]))
  return { kind: guard.kind, anyOf: [...byText.keys()].sort().map((text) => byText.get(text)!) }
}

/** Who asks, reduced to what guards look at. */
export interface Credentials {
  /** Undefined for the anonymous caller, who meets not even an alternative that names no scope. */
  readonly scopes: ReadonlySet<string> | undefined
  /** The policies that decided in favour of this request. */
  readonly policies: ReadonlySet<string>
}

/** An empty list of alternatives can be met by nobody. */
export function meets(guard: Guard, { scopes, policies }: Credentials): boolean {
  switch (guard.kind) {
    case 'authenticated':
      return scopes !== undefined
    case 'scopes':
      return scopes !== undefined && guard.anyOf.some((all) => all.every((s) => scopes.has(s)))
    case 'policies':
      return guard.anyOf.some((all) => all.every((name) => policies.has(name)))
  }
}

/** Returns, of each alternative, what is missing; the shortest first, each once. */
export function missing(anyOf: Alternatives, had: ReadonlySet<string>): string[][] {
  const lacking = anyOf.map((all) => all.filter((name) => !had.has(name)))
  const byText = new Map(lacking.map((names) => [JSON.stringify(names), names]))
  return [...byText.values()].sort((left, right) => left.length - right.length)
}

/** The guard as a person would write it in a schema. */
export function printGuard(guard: Guard): string {
  switch (guard.kind) {
    case 'authenticated':
      return '@authenticated'
    case 'scopes':
      return `@requiresScopes(scopes: ${printAlternatives(guard.anyOf)})`
    case 'policies':
      return `@policy(policies: ${printAlternatives(guard.anyOf)})`
  }
}

function printAlternatives(anyOf: Alternatives): string {
  return `[${anyOf.map((all) => `[${all.map((name) => JSON.stringify(name)).join(', ')}]`).join(', ')}]`
}
