/** Values in a JSON text, as text: numbers keep their digits. */
import type { ResponsePath } from './response-error.ts'

/** A value, and where it is. */
export interface PlacedValue {
  readonly position: ResponsePath
  /** Its JSON text. */
  readonly text: string
}

/**
 * Returns the values at the end of a path of names; there are several if lists are on the way. A list at the
 * end of the path counts as its elements. What is null on the way has none.
 *
 * @param json well-formed
 */
export function valuesAt(json: string, path: readonly string[]): PlacedValue[] {
  const found: PlacedValue[] = []
  search(start(json, 0), 0, [])
  return found

  function search(at: number, depth: number, position: ResponsePath): void {
    if (json[at] === '[') {
      let index = 0
      for (const element of members(json, at)) search(element, depth, [...position, index++])
    } else if (depth === path.length) {
      found.push({ position, text: json.slice(at, end(json, at)) })
    } else if (json[at] === '{') {
      const name = path[depth]!
      for (const value of members(json, at, name)) search(value, depth + 1, [...position, name])
    }
  }
}

/** Yields where the elements of a list begin, or the value of an object's field. */
function* members(json: string, open: number, name?: string): Generator<number> {
  const close = json[open] === '[' ? ']' : '}'
  let at = start(json, open + 1)
  while (json[at] !== close) {
    let isIt = true
    if (name !== undefined) {
      const afterKey = end(json, at)
      isIt = JSON.parse(json.slice(at, afterKey)) === name
      at = start(json, start(json, afterKey) + 1)
    }
    if (isIt) yield at
    at = start(json, end(json, at))
    if (json[at] === ',') at = start(json, at + 1)
  }
}

/** Returns where the next thing begins that is no white space. */
function start(json: string, at: number): number {
  let next = at
  while (json.charCodeAt(next) <= space) next++
  return next
}

const space = 0x20

/** Returns where a value ends. */
function end(json: string, at: number): number {
  switch (json[at]) {
    case '"':
      return afterString(json, at)
    case '{':
    case '[': {
      let depth = 0
      for (let next = at; ; next++) {
        const character = json[next]
        if (character === '"') next = afterString(json, next) - 1
        else if (character === '{' || character === '[') depth++
        else if ((character === '}' || character === ']') && --depth === 0) return next + 1
      }
    }
    default: {
      let next = at
      while (next < json.length && !/[,\]}\s]/.test(json[next]!)) next++
      return next
    }
  }
}

function afterString(json: string, at: number): number {
  let next = at + 1
  while (json[next] !== '"') next += json[next] === '\\' ? 2 : 1
  return next + 1
}
