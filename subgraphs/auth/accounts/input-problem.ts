/** A problem with a user's input: data for a form, not an error. */
export interface InputProblem {
  /** The argument. */
  readonly field: string
  readonly code: string
  readonly message: string
}
