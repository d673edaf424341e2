/** Lists of alternatives: OR of ANDs, as scopes and policies are demanded. */

/** A list of alternatives, each of which has to be met whole. */
export type Alternatives = readonly (readonly string[])[]

/** The most alternatives that a conjunction may have on the way to its end. */
const mostAlternatives = 500

/**
 * Returns the alternatives that meet all of these lists, without those that demand more than another
 * one does; undefined where they are too many to be worked out.
 */
export function conjunction(lists: readonly Alternatives[]): Alternatives | undefined {
  let result: Alternatives = [[]]
  for (const list of distinct(distinct(lists).map(minimal))) {
    if (result.length * list.length > mostAlternatives) return undefined
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
