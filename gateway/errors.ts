/**
 * Every way in which the gateway says no: one table. The client sees the row, the log sees the cause.
 *
 *   code       `extensions.code` of the GraphQL error
 *   reason     `extensions.reason`: the machine-readable detail, the row's own name
 *   status     the HTTP status when the whole answer is this error
 *   challenge  the `error` attribute of `WWW-Authenticate: Bearer` (RFC 6750 section 3.1), or
 *              'none' for a challenge without an error, as for a request without credentials
 *   retryAfter seconds, for the header of that name
 */
export interface ErrorRow {
  readonly code: string
  readonly status: number
  readonly message: string
  readonly challenge?:
    | 'none'
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
  readonly retryAfter?: number
  readonly allow?: string
}

const unauthenticated = { code: 'UNAUTHENTICATED', status: 401 } as const
const invalidToken = { ...unauthenticated, challenge: 'invalid_token' } as const

export const errorTable = {
  // Who is calling?
  TOKEN_MISSING: {
    ...unauthenticated,
    challenge: 'none',
    message: 'Log in first: this needs an access token',
  },
  TOKEN_EXPIRED: { ...invalidToken, message: 'The access token has expired' },
  TOKEN_NOT_YET_VALID: { ...invalidToken, message: 'The access token is not valid yet' },
  TOKEN_TOO_OLD: { ...invalidToken, message: 'The access token was issued too long ago' },
  TOKEN_REVOKED: { ...invalidToken, message: 'The access token has been revoked' },
  TOKEN_MALFORMED: { ...invalidToken, message: 'The access token is malformed' },
  TOKEN_TOO_LARGE: { ...invalidToken, message: 'The access token is larger than 8 KB' },
  TOKEN_TYPE_WRONG: { ...invalidToken, message: 'The token is not an access token' },
  HEADER_PARAMETER_REFUSED: {
    ...invalidToken,
    message: 'The header of the access token has a parameter that is not accepted',
  },
  ALGORITHM_REFUSED: {
    ...invalidToken,
    message: 'The access token is signed with an algorithm that is not accepted',
  },
  KEY_UNKNOWN: { ...invalidToken, message: 'The access token is signed with an unknown key' },
  SIGNATURE_INVALID: { ...invalidToken, message: 'The signature of the access token is not valid' },
  ISSUER_UNKNOWN: { ...invalidToken, message: 'The access token comes from an unknown issuer' },
  AUDIENCE_MISMATCH: { ...invalidToken, message: 'The access token is meant for somebody else' },
  CLAIM_MISSING: { ...invalidToken, message: 'The access token lacks a required claim' },
  CLAIM_INVALID: { ...invalidToken, message: 'The access token has a claim that is not valid' },
  CLAIMS_TOO_LARGE: {
    ...invalidToken,
    message: 'The claims to forward from the access token are larger than 4 KB',
  },
  SCHEME_UNSUPPORTED: {
    ...unauthenticated,
    challenge: 'none',
    message: 'Only the Bearer scheme is accepted in the Authorization header',
  },
  CREDENTIALS_AMBIGUOUS: {
    code: 'BAD_REQUEST',
    status: 400,
    challenge: 'invalid_request',
    message: 'The request carries more than one access token',
  },
  KEYS_UNAVAILABLE: {
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    retryAfter: 5,
    message: 'Access tokens cannot be verified right now: try again shortly',
  },
  REVOCATION_UNAVAILABLE: {
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    retryAfter: 5,
    message: 'Revoked access tokens cannot be told apart right now: try again shortly',
  },
  API_KEY_REFUSED: { ...invalidToken, message: 'The API key is unknown, expired or revoked' },
  API_KEYS_UNAVAILABLE: {
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    retryAfter: 5,
    message: 'API keys cannot be checked right now: try again shortly',
  },

  // What do they ask?
  BAD_REQUEST: { code: 'BAD_REQUEST', status: 400, message: 'The request is malformed' },
  INVALID_JSON: { code: 'BAD_REQUEST', status: 400, message: 'The request body is not valid JSON' },
  BATCH_REFUSED: {
    code: 'BAD_REQUEST',
    status: 400,
    message: 'Send one operation a request: the body is a JSON object, not a list',
  },
  METHOD_NOT_ALLOWED: {
    code: 'BAD_REQUEST',
    status: 405,
    allow: 'GET, POST',
    message: 'Send queries by POST or GET, mutations by POST',
  },
  NOT_FOUND: { code: 'NOT_FOUND', status: 404, message: 'Nothing here: the graph is at /graphql' },
  PAYLOAD_TOO_LARGE: {
    code: 'PAYLOAD_TOO_LARGE',
    status: 413,
    message: 'The request body is larger than `http.body_limit` allows',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    code: 'BAD_REQUEST',
    status: 415,
    message: 'Send the request as application/json, without content encoding',
  },
  GRAPHQL_PARSE_FAILED: {
    code: 'GRAPHQL_PARSE_FAILED',
    status: 400,
    message: 'The document is not valid GraphQL',
  },
  DOCUMENT_TOO_DEEP: {
    code: 'GRAPHQL_PARSE_FAILED',
    status: 400,
    message: 'The document is nested too deeply',
  },
  VARIABLES_TOO_DEEP: {
    code: 'BAD_USER_INPUT',
    status: 400,
    message: 'The variables are nested too deeply',
  },
  EXTENSIONS_TOO_DEEP: {
    code: 'BAD_REQUEST',
    status: 400,
    message: 'The extensions are nested too deeply',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    code: 'PERSISTED_QUERY_NOT_SUPPORTED',
    status: 200,
    // Apollo's clients look for this word, and then send the text.
    message: 'PersistedQueryNotSupported',
  },
  PERSISTED_QUERY_MISMATCH: {
    code: 'BAD_REQUEST',
    status: 400,
    message:
      'extensions.persistedQuery does not fit the query: send version 1 and sha256Hash, or leave it out',
  },
  GRAPHQL_VALIDATION_FAILED: {
    code: 'GRAPHQL_VALIDATION_FAILED',
    status: 400,
    message: 'The operation does not fit the schema',
  },
  OPERATION_RESOLUTION_FAILURE: {
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 400,
    message: 'Name one of the operations of the document in `operationName`',
  },
  MUTATIONS_NOT_SERVED: {
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 400,
    message: 'This graph has no mutations',
  },
  SUBSCRIPTIONS_NOT_SERVED: {
    code: 'OPERATION_RESOLUTION_FAILURE',
    status: 400,
    message: 'Subscriptions are not supported: send a query or a mutation',
  },
  CREDENTIALS_REPEATED: {
    code: 'CREDENTIALS_REPEATED',
    status: 400,
    message: 'Only one credential field is allowed per operation',
  },
  OPERATION_TOO_COMPLEX: {
    code: 'OPERATION_TOO_COMPLEX',
    status: 400,
    message:
      'The operation takes too long to plan: select fewer fields, nest them less deeply, or split it into several operations',
  },
  BAD_USER_INPUT: { code: 'BAD_USER_INPUT', status: 400, message: 'A value is not acceptable' },

  // What went wrong behind us?
  TOO_MANY_REQUESTS: {
    code: 'TOO_MANY_REQUESTS',
    status: 429,
    retryAfter: 60,
    message: 'Too many requests: try again later',
  },
  SERVICE_UNAVAILABLE: {
    code: 'SERVICE_UNAVAILABLE',
    status: 503,
    retryAfter: 5,
    message: 'Too much to do right now: try again shortly',
  },
  UNAUTHENTICATED: { ...unauthenticated, status: 200, message: 'Log in to see this' },
  FORBIDDEN: { code: 'FORBIDDEN', status: 200, message: 'You may not see this' },
  SUBGRAPH_ERROR: {
    code: 'SUBGRAPH_ERROR',
    status: 200,
    message: 'A part of the answer failed',
  },
  SUBGRAPH_UNREACHABLE: {
    code: 'SUBGRAPH_UNREACHABLE',
    status: 502,
    message: 'A part of the graph cannot be reached right now',
  },
  SUBGRAPH_RESPONSE_INVALID: {
    code: 'SUBGRAPH_RESPONSE_INVALID',
    status: 502,
    message: 'A part of the graph gave an answer that cannot be read',
  },
  SUBGRAPH_TIMEOUT: {
    code: 'SUBGRAPH_TIMEOUT',
    status: 504,
    message: 'A part of the graph did not answer in time',
  },
  INTERNAL_SERVER_ERROR: {
    code: 'INTERNAL_SERVER_ERROR',
    status: 500,
    message: 'Something went wrong on our side',
  },
} as const satisfies Record<string, ErrorRow>

export type ErrorName = keyof typeof errorTable

/** The rows that say "try again later": a response that is nothing else has their HTTP status. */
export const retryLater = ['SERVICE_UNAVAILABLE', 'TOO_MANY_REQUESTS'] as const

/** The longest time to wait that is passed on, in seconds. */
const longestRetry = 3_600

/** Returns how many seconds to wait; undefined for what is not a plausible number of them. */
export function plausibleRetryAfter(seconds: unknown): number | undefined {
  const isPlausible =
    Number.isInteger(seconds) && (seconds as number) >= 1 && (seconds as number) <= longestRetry
  return isPlausible ? (seconds as number) : undefined
}

/** In the extensions of an error that came from a subgraph: those that the client gets. */
export const passedExtensions = Symbol('the extensions that the client gets')

/**
 * Extensions of a subgraph's errors that no configuration passes on: `http` would set the gateway's own
 * status, the others are what frameworks add for developers.
 */
export const neverPassed = /^http$|stack|trace|exception|debug/i

/** A refusal by name: message, status and challenge come from the table. */
export class GatewayError extends Error {
  override name = 'GatewayError'
  readonly row: ErrorRow
  readonly reason: ErrorName

  /**
   * @param options.cause for the log only; it never reaches the client, and never holds a token
   * @param options.message in place of the table's, where the client needs a detail: which limit
   */
  constructor(reason: ErrorName, options: { cause?: unknown; message?: string } = {}) {
    const { message, ...rest } = options
    const row = errorTable[reason]
    super(message ?? row.message, rest)
    this.reason = reason
    this.row = message === undefined ? row : { ...row, message }
  }
}
