import type { Problem } from '../compose/problem.ts'

/** Something about a supergraph that composes, and should not serve as it is. */
export interface Finding extends Problem {
  /** Only errors fail the check. */
  readonly severity: 'error' | 'warning'
  /** The type or field that it is about. */
  readonly coordinate: string
}

/** A finding without the places in the schemas where its coordinate is defined. */
export type Unplaced = Omit<Finding, 'places'>
