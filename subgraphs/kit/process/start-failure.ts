/**
 * Why a process cannot start, in words for the person at the terminal: what is wrong, and how to
 * mend it. Printed without a stack trace.
 */
export class StartFailure extends Error {
  override name = 'StartFailure'
}
