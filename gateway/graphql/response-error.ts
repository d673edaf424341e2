/** The errors of a GraphQL response (GraphQL, section 7.1.2), as the client reads them. */

/** A step into the data of a response: response names and positions in lists. */
export type ResponsePath = readonly (string | number)[]

/** One element of `errors`. The order of its properties is the order in the response. */
export interface ResponseError {
  readonly message: string
  readonly locations?: readonly { readonly line: number; readonly column: number }[] | undefined
  readonly path?: ResponsePath | undefined
  readonly extensions: Readonly<Record<string, unknown>>
}

/**
 * A request error (section 7.1.2): it is raised before execution begins, so that the response has
 * errors and no data. It is the client's fault; each error can be shown to the client.
 */
export class RequestError extends Error {
  override name = 'RequestError'
  readonly errors: readonly ResponseError[]

  /** @param errors one at least */
  constructor(errors: readonly ResponseError[]) {
    super(errors[0]?.message)
    this.errors = errors
  }
}
