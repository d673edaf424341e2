/**
 * JSON from outside, with a limit on its depth: what reads a parsed value later (a reviver, freezing,
 * JSON.stringify) calls itself once per level, and the stack is finite.
 */

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
  if (isTooDeep(text)) throw new JsonTooDeep()
  return JSON.parse(text)
}

const quote = 0x22
const backslash = 0x5c
const openings = [0x5b, 0x7b]
const closings = [0x5d, 0x7d]

function isTooDeep(json: string): boolean {
  let depth = 0
  for (let index = 0; index < json.length; index++) {
    const character = json.charCodeAt(index)
    if (character === quote) {
      index = endOfString(json, index)
    } else if (openings.includes(character)) {
      if (++depth > maxJsonDepth) return true
    } else if (closings.includes(character)) {
      depth--
    }
  }
  return false
}

/** Returns the index of the closing quotation mark, or that of the end of the text. */
function endOfString(json: string, start: number): number {
  let end = start
  do {
    end = json.indexOf('"', end + 1)
    if (end === -1) return json.length
  } while (isEscaped(json, end))
  return end
}

function isEscaped(json: string, index: number): boolean {
  let start = index
  while (json.charCodeAt(start - 1) === backslash) start--
  return (index - start) % 2 === 1
}
