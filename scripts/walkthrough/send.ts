/** A minimal GraphQL client: it sends what a browser or a phone would send. */
export interface GraphqlResponse {
  readonly status: number
  /** The `WWW-Authenticate` header. */
  readonly challenge: string
  readonly data: Readonly<Record<string, any>> | null
  readonly errors: readonly ResponseError[]
}

export interface ResponseError {
  readonly message: string
  readonly extensions?: { readonly code?: string; readonly reason?: string }
}

export interface Operation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
}

/** Returns the response to an operation, sent with an access token if given. */
export async function send(
  url: string,
  operation: Operation,
  token?: string,
): Promise<GraphqlResponse> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(operation),
  })
  const { data = null, errors = [] } = (await response.json()) as Partial<GraphqlResponse>
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    data,
    errors,
  }
}
