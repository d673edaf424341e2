/** A link that carries an operation: in the fragment, which a browser sends to no server. */

export interface LinkedOperation {
  readonly query: string
  /** The text of the JSON. */
  readonly variables: string
}

/** Returns the fragment of a link to the operation. */
export function fragmentOf({ query, variables }: LinkedOperation): string {
  return `#${new URLSearchParams({ query, ...(variables.trim() ? { variables } : {}) })}`
}

/** Returns the operation that a link carries; undefined if it carries none. */
export function operationIn(fragment: string): LinkedOperation | undefined {
  const parameters = new URLSearchParams(fragment.slice(1))
  const query = parameters.get('query')
  return query === null ? undefined : { query, variables: parameters.get('variables') ?? '' }
}
