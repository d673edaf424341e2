/**
 * JSON from outside, with a limit on its depth: what reads a parsed value later (a reviver, freezing,
 * JSON.stringify) calls itself once per level, and the stack is finite.
 */
import { isWithinNesting } from '../values/json.ts'

/** Deeper than any claim or key set in use, and far from the end of the stack. */
const maxJsonDepth = 64

/** Thrown for JSON that is nested more deeply than anything that this gateway reads. */
export class JsonTooDeep extends Error {
  override name = 'JsonTooDeep'

  constructor() {
    super(`nested more than ${maxJsonDepth} levels deep`)
  }
}

/** Returns the value; throws JsonTooDeep, or a SyntaxError whose message may quote the text. */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text)
  if (isWithinNesting(value, maxJsonDepth)) return value
  throw new JsonTooDeep()
}
