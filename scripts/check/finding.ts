import type { Problem } from '../compose/problem.ts'

/** Something about a supergraph that composes, and should not serve as it is. */
export interface Finding extends Problem {
  /** Only errors fail the check. */
  readonly severity: 'error' | 'warning'
  /** The type or field that it is about. */
  readonly coordinate: string
}

/** A finding that does not know yet where in the schemas its coordinate stands. */
export type Unplaced = Omit<Finding, 'places'>
