/** How deep a subgraph's response may be nested: it limits every recursion over a response. */
import { isWithinNesting } from '../values/json.ts'

/** The most lists and objects inside each other in a value that is read. */
export const deepestNesting = 500

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
  return text.length < 2 * deepestNesting || isWithinNesting(value, deepestNesting)
    ? text
    : undefined
}
