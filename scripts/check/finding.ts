import type { Problem } from '../compose/problem.ts'
import type { UsageOfChange } from './usage-of-change.ts'

/** A problem of a supergraph that composes. */
export interface Finding extends Problem {
  /** Only errors fail the check. */
  readonly severity: 'error' | 'warning'
  /** The type or field with the problem. */
  readonly coordinate: string
  /** Which clients use what a breaking change breaks, if their usage is given. */
  readonly usage?: UsageOfChange | undefined
}

/** A finding without the places in the schemas that define its coordinate. */
export type Unplaced = Omit<Finding, 'places'>
