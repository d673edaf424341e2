/** What a caller would need, in the shape in which schemas say it. */
import { missing } from './guard.ts'
import type { Alternatives } from './alternatives.ts'
import type { Credentials, Guard } from './guard.ts'
import type { StepUp } from './step-up.ts'

/** `extensions.requires` of a denial: only what this caller lacks. */
export interface Requires {
  readonly authenticated?: true
  /** Alternatives, each with the scopes to get on top of those that the token has. */
  readonly scopes?: Alternatives
  readonly policies?: Alternatives
  /** The login that would do, by the names of RFC 9470. */
  readonly acr_values?: readonly string[]
  readonly max_age?: number
}

/** The most alternatives that are told, the shortest first. */
const mostAlternatives = 16

const nothing: ReadonlySet<string> = new Set()

/**
 * Returns what is missing to meet all of these guards.
 *
 * @param login the login that would do, if one would
 */
export function whatIsMissing(
  guards: readonly Guard[],
  credentials: Credentials,
  login?: StepUp,
): Requires {
  const anonymous = credentials.scopes === undefined
  const scopes = lacking(guards, 'scopes', credentials.scopes ?? nothing)
  const policies = lacking(guards, 'policies', credentials.policies)
  return {
    ...(anonymous && guards.some(({ kind }) => kind !== 'policies') ? { authenticated: true } : {}),
    ...(scopes ? { scopes } : {}),
    ...(policies ? { policies } : {}),
    ...(login && login.acrValues.length > 0 ? { acr_values: login.acrValues } : {}),
    ...(login?.maxAge === undefined ? {} : { max_age: login.maxAge }),
  }
}

/** Returns the scopes of a token that would meet all of these guards: the challenge's `scope`. */
export function scopesFor(guards: readonly Guard[], credentials: Credentials): string[] {
  const had = credentials.scopes ?? nothing
  const chosen = guards.flatMap((guard) => {
    if (guard.kind !== 'scopes') return []
    const lack = (all: readonly string[]) => all.filter((name) => !had.has(name)).length
    return [...guard.anyOf].sort((left, right) => lack(left) - lack(right))[0] ?? []
  })
  return [...new Set(chosen)].sort()
}

function lacking(
  guards: readonly Guard[],
  kind: 'scopes' | 'policies',
  had: ReadonlySet<string>,
): Alternatives | undefined {
  const each = guards.flatMap((guard) => (guard.kind === kind ? [missing(guard.anyOf, had)] : []))
  const unmet = each.filter((alternatives) => !alternatives.some((all) => all.length === 0))
  return unmet.length === 0 ? undefined : unmet.reduce(both)
}

/** Of two lists of alternatives, the one list that stands for "one of these and one of those". */
function both(left: string[][], right: string[][]): string[][] {
  const joined = left.flatMap((one) =>
    right.map((other) => [...new Set([...one, ...other])].sort()),
  )
  return missing(joined, nothing).slice(0, mostAlternatives)
}
