import type { Problem } from '../compose/problem.ts'

/** A problem of a supergraph that composes. */
export interface Finding extends Problem {
  /** Only errors fail the check. */
  readonly severity: 'error' | 'warning'
  /** The type or field with the problem. */
  readonly coordinate: string
}

/** A finding without the places in the schemas that define its coordinate. */
export type Unplaced = Omit<Finding, 'places'>
