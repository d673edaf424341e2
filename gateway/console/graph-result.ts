/** The JSON of a response. */

export interface GraphError {
  readonly message: string
  readonly path?: readonly (string | number)[]
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** The JSON of a response, as the GraphQL specification has it (section 7). */
export interface GraphResult {
  readonly data?: unknown
  readonly errors?: readonly GraphError[]
  readonly extensions?: Readonly<Record<string, unknown>>
}
