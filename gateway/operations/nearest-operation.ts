/** Finds the known operation that a client probably meant. */
import { stripIgnoredCharacters } from 'graphql'
import type { Slices } from '../slices.ts'
import type { KnownOperation } from './known-operations.ts'

/** The known operation that resembles a text most. */
export interface NearestOperation {
  readonly id: string
  /** Where the text begins to differ from it; `ignored characters`: nowhere but in white space and comments. */
  readonly differs: string
}

/** How many known operations are compared with a text. */
const mostCompared = 50

/**
 * Returns the nearest of the known operations that have the name of the operation, or its first field if it
 * has no name; undefined if there is none.
 */
export function* nearestOperation(
  text: string,
  known: Iterable<KnownOperation>,
): Slices<NearestOperation | undefined> {
  const name = operationName(text) ?? firstField(text)
  if (name === undefined) return undefined
  const hasName = new RegExp(`(?<![\\w$])${name}(?!\\w)`)
  const stripped = withoutIgnored(text)
  let compared = 0
  let nearest: (KnownOperation & { distance: number }) | undefined
  for (const operation of known) {
    yield
    if (!operation.text.includes(name) || !hasName.test(operation.text)) continue
    const distance = lengthOfDifference(stripped, withoutIgnored(operation.text))
    if (nearest === undefined || distance < nearest.distance) nearest = { ...operation, distance }
    if (distance === 0 || ++compared === mostCompared) break
  }
  if (!nearest) return undefined
  const { id, distance } = nearest
  const differs = distance === 0 ? 'ignored characters' : placeOf(text, nearest.text)
  return { id: id.slice(0, 100), differs }
}

/** Returns the name of the first operation in the text that has one; the text need not be valid. */
export function operationName(text: string): string | undefined {
  return /(?:^|[\s}])(?:query|mutation|subscription)\s+([A-Za-z_]\w{0,99})/.exec(text)?.[1]
}

function firstField(text: string): string | undefined {
  return /\{\s*([A-Za-z_]\w{0,99})/.exec(text)?.[1]
}

function withoutIgnored(text: string): string {
  try {
    return stripIgnoredCharacters(text)
  } catch {
    return text
  }
}

/** Returns how many characters are between what both texts begin and end with. */
function lengthOfDifference(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  const start = lengthOfStart(one, other)
  let end = 0
  while (end < most - start && one.at(-1 - end) === other.at(-1 - end)) end++
  return Math.max(one.length, other.length) - start - end
}

function lengthOfStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length)
  let length = 0
  while (length < most && one[length] === other[length]) length++
  return length
}

function placeOf(text: string, known: string): string {
  const lines = text.slice(0, lengthOfStart(text, known)).split('\n')
  return `from line ${lines.length}, column ${lines.at(-1)!.length + 1}`
}
