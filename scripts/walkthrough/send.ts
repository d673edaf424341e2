/** A GraphQL client as small as one can be: what a browser or a phone would send. */
export interface Answer {
  readonly status: number
  /** The `WWW-Authenticate` header. */
  readonly challenge: string
  readonly data: Readonly<Record<string, any>> | null
  readonly errors: readonly AnswerError[]
}

export interface AnswerError {
  readonly message: string
  readonly extensions?: { readonly code?: string; readonly reason?: string }
}

export interface Operation {
  readonly query: string
  readonly variables?: Readonly<Record<string, unknown>>
}

/** Returns the answer to an operation, sent with that access token if there is one. */
export async function send(url: string, operation: Operation, token?: string): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(operation),
  })
  const { data = null, errors = [] } = (await response.json()) as Partial<Answer>
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    data,
    errors,
  }
}
