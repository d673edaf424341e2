/** Errors and hints, with the places where they can be corrected. */
import { relative } from 'node:path'

export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
  /** The name in supergraph.yaml. */
  readonly subgraph?: string
}

export interface Problem {
  /** Composition's own code, or INVALID_CONFIGURATION, SCHEMA_UNAVAILABLE or INVALID_GUARD. */
  readonly code: string
  readonly message: string
  /** The most important place first; there may be none. */
  readonly places: readonly Place[]
}

export interface Hint extends Problem {
  readonly level: 'WARN' | 'INFO' | 'DEBUG'
}

/**
 * Returns the problem in the format of compilers, which terminals and editors turn into links:
 *
 *   users/schema.graphql:3:36: error FIELD_TYPE_MISMATCH in subgraph users: Type of field ...
 *     auth/schema.graphql:7:1 in subgraph auth
 */
export function describeProblem(
  kind: 'error' | 'warning' | 'hint',
  { code, message, places }: Problem,
) {
  const [first, ...more] = places
  const lead = first ? `${position(first)}: ` : ''
  const others = more.map((place) => `\n  ${position(place)}${inSubgraph(place)}`)
  return `${lead}${kind} ${code}${inSubgraph(first)}: ${message}${others.join('')}`
}

/** Returns the path relative to the current folder. */
export function displayPath(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere.startsWith('..') || fromHere === '' ? path : fromHere
}

/** Returns the same problem with paths relative to the current folder. */
export function withDisplayPaths<Any extends Problem>(problem: Any): Any {
  const places = problem.places.map((place) => ({ ...place, file: displayPath(place.file) }))
  return { ...problem, places }
}

function position({ file, line, column }: Place): string {
  return [displayPath(file), line, line && column].filter(Boolean).join(':')
}

function inSubgraph(place: Place | undefined): string {
  return place?.subgraph ? ` in subgraph ${place.subgraph}` : ''
}
