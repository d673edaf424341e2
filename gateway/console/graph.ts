/** Operations to the graph, which is at the origin of the page. */

/** What is sent. */
export interface Operation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>> | undefined
}

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

/** A response, and what is known of its way. */
export interface Exchange {
  /** The HTTP status; 0 if there was no response. */
  readonly status: number
  /** From the request to the last byte of the response. */
  readonly milliseconds: number
  readonly result: GraphResult
}

/** Sends an operation with a credential, or as nobody, and with what else it has to say of itself. */
export type SendOperation = (
  operation: Operation,
  credential: string | undefined,
  extensions?: Readonly<Record<string, unknown>>,
) => Promise<Exchange>

/**
 * Returns the function that sends operations. Cookies are not sent: the credential of an identity alone decides.
 *
 * @param url the address of the graph
 */
export function graphAt(url: URL): SendOperation {
  return async ({ query, variables }, credential, extensions) => {
    const start = performance.now()
    const since = () => performance.now() - start
    try {
      const response = await fetch(url, {
        method: 'POST',
        credentials: 'omit',
        cache: 'no-store',
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json;q=0.9',
          ...(credential === undefined ? {} : { authorization: `Bearer ${credential}` }),
        },
        body: JSON.stringify({ query, variables, extensions }),
      })
      const text = await response.text()
      return { status: response.status, milliseconds: since(), result: resultFrom(text) }
    } catch (cause) {
      const message = `The graph cannot be reached: ${messageOf(cause)}`
      return { status: 0, milliseconds: since(), result: { errors: [{ message }] } }
    }
  }
}

function resultFrom(text: string): GraphResult {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {}
  return { errors: [{ message: 'The response is not JSON: is this the address of a gateway?' }] }
}

/** Returns the sentence of something that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}

/** Returns `extensions.code` of the first error, by which programs tell errors apart. */
export function codeOf({ errors }: GraphResult): string | undefined {
  const code = errors?.[0]?.extensions?.['code']
  return typeof code === 'string' ? code : undefined
}
