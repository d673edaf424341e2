/**
 * Why a process cannot start, for the operator: the problem, and how to correct it. Printed without a
 * stack trace.
 */
export class StartFailure extends Error {
  override name = 'StartFailure'
}
