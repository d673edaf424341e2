/** Lists of alternatives: OR of ANDs, as scopes and policies are demanded. */

/** A list of alternatives; each is satisfied only completely. */
export type Alternatives = readonly (readonly string[])[]

/** The most alternatives that a conjunction may have while it is worked out. */
const mostWorkedOut = 500

/** The most alternatives that a caller is shown, the shortest first. */
const mostShown = 16

const nothing: ReadonlySet<string> = new Set()

/** Returns whether one of the alternatives is met; an empty list cannot be. */
export function isMetBy(anyOf: Alternatives, had: ReadonlySet<string>): boolean {
  return anyOf.some((all) => all.every((name) => had.has(name)))
}

/** Returns whether every set of names that meets the one list meets the other. */
export function implies(one: Alternatives, other: Alternatives): boolean {
  return one.every((all) => other.some((fewer) => fewer.every((name) => all.includes(name))))
}

/** Returns the missing names of the alternative that lacks the fewest. */
export function fewestMissing(anyOf: Alternatives, had: ReadonlySet<string>): readonly string[] {
  const missing = (all: readonly string[]) => all.filter((name) => !had.has(name)).length
  return [...anyOf].sort((left, right) => missing(left) - missing(right))[0] ?? []
}

/**
 * Returns what is missing to satisfy all of these lists, as alternatives; undefined if every one of them
 * is met.
 */
export function missingFromAll(
  lists: readonly Alternatives[],
  had: ReadonlySet<string>,
): Alternatives | undefined {
  const unmet = lists
    .map((anyOf) => missingFrom(anyOf, had))
    .filter((alternatives) => !alternatives.some((all) => all.length === 0))
  return unmet.length === 0 ? undefined : unmet.reduce(both)
}

/** Returns the missing names of each alternative, the shortest first, each once. */
function missingFrom(anyOf: Alternatives, had: ReadonlySet<string>): string[][] {
  const missing = anyOf.map((all) => all.filter((name) => !had.has(name)))
  const byText = new Map(missing.map((names) => [textOf(names), names]))
  return [...byText.values()].sort((left, right) => left.length - right.length)
}

/** Returns one list of alternatives for two lists that both have to be met. */
function both(left: string[][], right: string[][]): string[][] {
  const joined = left.flatMap((one) =>
    right.map((other) => [...new Set([...one, ...other])].sort()),
  )
  return missingFrom(joined, nothing).slice(0, mostShown)
}

/** Returns the same list for all lists that differ only in order and repetition. */
export function canonical(anyOf: Alternatives): Alternatives {
  const alternatives = anyOf.map((all) => [...new Set(all)].sort())
  const byText = new Map(alternatives.map((all) => [textOf(all), all]))
  return [...byText.keys()].sort().map((text) => byText.get(text)!)
}

/** Returns the list as a schema has it. */
export function printAlternatives(anyOf: Alternatives): string {
  return `[${anyOf.map((all) => `[${all.map(textOf).join(', ')}]`).join(', ')}]`
}

/**
 * Returns the alternatives that meet all of these lists, without those that demand more than another
 * one does; undefined where they are too many to be worked out.
 */
export function conjunction(lists: readonly Alternatives[]): Alternatives | undefined {
  let result: Alternatives = [[]]
  for (const list of distinct(distinct(lists).map(minimal))) {
    if (result.length * list.length > mostWorkedOut) return undefined
    result = minimal(result.flatMap((one) => list.map((other) => [...one, ...other])))
  }
  return result
}

/**
 * Returns the shortest list with the same meaning: each alternative once and sorted, and none that
 * demands more than another. Lists that mean the same have the same one.
 */
export function minimal(anyOf: Alternatives): Alternatives {
  const alternatives = anyOf
    .map((all) => [...new Set(all)].sort())
    .sort((left, right) => left.length - right.length || (textOf(left) < textOf(right) ? -1 : 1))
  const kept: string[][] = []
  for (const all of alternatives) {
    const names = new Set(all)
    if (!kept.some((fewer) => fewer.every((name) => names.has(name)))) kept.push(all)
  }
  return kept
}

/** Each list once, by its text: thousands of fields demand the same. */
function distinct(lists: readonly Alternatives[]): Alternatives[] {
  return [...new Map(lists.map((list) => [textOf(list), list])).values()]
}

function textOf(value: unknown): string {
  return JSON.stringify(value)
}
