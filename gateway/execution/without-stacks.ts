/** Extensions of a subgraph's error, without values that could be a stack trace. */
import { neverPassed } from '../errors.ts'
import { isObject } from '../values/json.ts'

/** It takes linear time: there is no other line break between a line break and `at`. */
const stackLines = /\n[^\S\n]*at .+:\d+|Traceback \(most recent call last\)/

/** The most levels of lists and objects in a value that is passed on. */
const deepest = 20

/** Returns an object of the entries, without stack traces and without values that are nested too deep. */
export function withoutStacks(
  entries: readonly [string, unknown][],
  levels: number = deepest,
): Record<string, unknown> {
  return Object.fromEntries(
    entries.flatMap(([name, value]) => {
      const passed = neverPassed.test(name) ? undefined : withoutStack(value, levels)
      return passed === undefined ? [] : [[name, passed]]
    }),
  )
}

function withoutStack(value: unknown, levels: number): unknown {
  if (typeof value === 'string') return stackLines.test(value) ? undefined : value
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return undefined
  if (isObject(value)) return withoutStacks(Object.entries(value), levels - 1)
  const list = value as unknown[]
  if (list.some((line) => typeof line === 'string' && /^\s*at .+:\d+/.test(line))) return undefined
  return list.map((element) => withoutStack(element, levels - 1) ?? null)
}
