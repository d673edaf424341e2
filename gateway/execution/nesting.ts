/** How deep a subgraph's response may be nested: it limits every recursion over a response. */
/** The most lists and objects inside each other in a value that is read. */
export const deepestNesting = 500

/** Returns whether a JSON value is nested no deeper than that. */
export function isWithinNesting(value: unknown, levels: number = deepestNesting): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const key in value) {
    if (!isWithinNesting((value as Record<string, unknown>)[key], levels - 1)) return false
  }
  return true
}

/** The message for a value that is nested too deep to be forwarded. */
export const nestedTooDeep = `a value in it is nested deeper than ${deepestNesting} levels`

/** A value of a subgraph's response that cannot be sent to another subgraph. */
export class NestedTooDeep extends Error {
  override name = 'NestedTooDeep'
}

/** Returns the JSON text of a value; undefined when it is nested deeper than that. */
export function jsonWithinNesting(value: unknown): string | undefined {
  let text: string
  try {
    text = JSON.stringify(value)
  } catch {
    // Of parsed JSON only depth can be too much: for the stack.
    return undefined
  }
  // Each level is two characters at least: most texts are too short to be deep.
  return text.length < 2 * deepestNesting || isWithinNesting(value) ? text : undefined
}

/** Returns the JSON text of a value; it throws NestedTooDeep. */
export function boundedJson(value: unknown): string {
  const text = jsonWithinNesting(value)
  if (text === undefined) throw new NestedTooDeep()
  return text
}
