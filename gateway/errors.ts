/**
 * The closed table of all refusals of the gateway. The client gets the row, the log gets the cause.
 * Every row decides every column: a row that leaves one out does not compile.
 */
export interface ErrorRow {
  /** `extensions.code` of the GraphQL error. `extensions.reason` is the name of the row. */
  readonly code: string
  /** The HTTP status when the complete response is this error. */
  readonly status: number
  /** The problem, and what to do. The cause is for the log only. */
  readonly message: string
  /**
   * The `error` attribute of `WWW-Authenticate: Bearer` (RFC 6750 section 3.1). A request without
   * credentials gets a challenge without that attribute; undefined sends no challenge.
   */
  readonly challenge:
    | undefined
    | 'without error'
    | 'invalid_request'
    | 'invalid_token'
    | 'insufficient_scope'
    | 'insufficient_user_authentication'
  /** The seconds in `Retry-After`; undefined sends no such header. */
  readonly retryAfter: number | undefined
  /** The methods in `Allow`; undefined sends no such header. */
  readonly allow: string | undefined
  /** The consequences for an access token that is refused for this reason. */
  readonly accessToken: AccessTokenColumns | 'not concerned'
}

/** The columns of the rows that refuse an access token. */
export interface AccessTokenColumns {
  /** The check that fails, as `npm run explain-token` names it. */
  readonly check: string
  /**
   * Whether the refusal of this token is remembered for a moment. One that may be over soon, or that
   * needed no signature check, is not.
   */
  readonly remembered: boolean
  /**
   * Whether the gateway requests another access token for the API key that this one was exchanged for:
   * the token has ended (expiry, logout everywhere, a retired signing key), but the key may still be valid.
   */
  readonly renewed: boolean
}

const noHeaders = { challenge: undefined, retryAfter: undefined, allow: undefined } as const
const plain = { ...noHeaders, accessToken: 'not concerned' } as const
const badRequest = { ...plain, code: 'BAD_REQUEST', status: 400 } as const
const unresolved = { ...plain, code: 'OPERATION_RESOLUTION_FAILURE', status: 400 } as const
/** RFC 9110 section 11.6.1: a 401 response has a challenge, so each row says which. */
const unauthenticated = {
  code: 'UNAUTHENTICATED',
  status: 401,
  retryAfter: undefined,
  allow: undefined,
} as const
const invalidToken = { ...unauthenticated, challenge: 'invalid_token' } as const
const unavailable = {
  ...noHeaders,
  code: 'SERVICE_UNAVAILABLE',
  status: 503,
  retryAfter: 5,
} as const

/** The closed table of errors, by the name that a client sees as `extensions.reason`. */
export const errorTable = {
  // Authentication: the access token or API key of the request.
  TOKEN_MISSING: {
    ...unauthenticated,
    challenge: 'without error',
    accessToken: 'not concerned',
    message: 'An access token is required: log in first',
  },
  TOKEN_EXPIRED: {
    ...invalidToken,
    message: 'The access token has expired: request a new one',
    accessToken: { check: 'expiry', remembered: true, renewed: true },
  },
  TOKEN_NOT_YET_VALID: {
    ...invalidToken,
    message: 'The access token is not valid yet',
    accessToken: { check: 'not before', remembered: false, renewed: false },
  },
  TOKEN_TOO_OLD: {
    ...invalidToken,
    message: 'The access token was issued too long ago: request a new one',
    accessToken: { check: 'age', remembered: true, renewed: true },
  },
  TOKEN_REVOKED: {
    ...invalidToken,
    message: 'The access token has been revoked: log in again',
    accessToken: { check: 'revocation', remembered: false, renewed: true },
  },
  TOKEN_MALFORMED: {
    ...invalidToken,
    message: 'The access token is malformed',
    accessToken: { check: 'form', remembered: false, renewed: false },
  },
  TOKEN_TOO_LARGE: {
    ...invalidToken,
    message: 'The access token is larger than 8 KB',
    accessToken: { check: 'size', remembered: false, renewed: false },
  },
  TOKEN_TYPE_WRONG: {
    ...invalidToken,
    message: 'The token is not an access token',
    accessToken: { check: 'type', remembered: true, renewed: false },
  },
  HEADER_PARAMETER_REFUSED: {
    ...invalidToken,
    message: 'The header of the access token has a parameter that is not accepted',
    accessToken: { check: 'header', remembered: true, renewed: false },
  },
  ALGORITHM_REFUSED: {
    ...invalidToken,
    message: 'The access token is signed with an algorithm that is not accepted',
    accessToken: { check: 'algorithm', remembered: true, renewed: false },
  },
  KEY_UNKNOWN: {
    ...invalidToken,
    message: 'The access token is signed with an unknown key',
    accessToken: { check: 'key', remembered: false, renewed: true },
  },
  SIGNATURE_INVALID: {
    ...invalidToken,
    message: 'The signature of the access token is not valid',
    accessToken: { check: 'signature', remembered: true, renewed: true },
  },
  ISSUER_UNKNOWN: {
    ...invalidToken,
    message: 'The access token was issued by an unknown issuer',
    accessToken: { check: 'issuer', remembered: true, renewed: false },
  },
  AUDIENCE_MISMATCH: {
    ...invalidToken,
    message: 'The access token was issued for a different audience',
    accessToken: { check: 'audience', remembered: true, renewed: false },
  },
  CLAIM_MISSING: {
    ...invalidToken,
    message: 'A required claim is missing from the access token',
    accessToken: { check: 'required claims', remembered: true, renewed: false },
  },
  CLAIM_INVALID: {
    ...invalidToken,
    message: 'A claim of the access token is not valid',
    accessToken: { check: 'claims', remembered: true, renewed: false },
  },
  CLAIMS_TOO_LARGE: {
    ...invalidToken,
    message: 'The claims to forward from the access token are larger than 4 KB',
    accessToken: { check: 'claims to forward', remembered: true, renewed: false },
  },
  KEYS_UNAVAILABLE: {
    ...unavailable,
    message: 'Access tokens cannot be verified at the moment: retry after 5 seconds',
    accessToken: { check: 'key', remembered: false, renewed: false },
  },
  REVOCATION_UNAVAILABLE: {
    ...unavailable,
    message: 'Revoked access tokens cannot be recognized at the moment: retry after 5 seconds',
    accessToken: { check: 'revocation', remembered: false, renewed: false },
  },
  SCHEME_UNSUPPORTED: {
    ...unauthenticated,
    challenge: 'without error',
    accessToken: 'not concerned',
    message: 'The scheme of the Authorization header is not supported: use Bearer',
  },
  CREDENTIALS_AMBIGUOUS: {
    ...badRequest,
    challenge: 'invalid_request',
    message: 'The request has more than one access token: send only one',
  },
  API_KEY_REFUSED: {
    ...invalidToken,
    accessToken: 'not concerned',
    message: 'The API key is unknown, expired or revoked',
  },
  API_KEYS_UNAVAILABLE: {
    ...unavailable,
    accessToken: 'not concerned',
    message: 'API keys cannot be verified at the moment: retry after 5 seconds',
  },

  // Authorization: nothing of the operation is left for this caller.
  INSUFFICIENT_SCOPE: {
    ...plain,
    code: 'FORBIDDEN',
    status: 403,
    challenge: 'insufficient_scope',
    message: 'The access token does not have the required scopes',
  },
  INSUFFICIENT_USER_AUTHENTICATION: {
    ...unauthenticated,
    challenge: 'insufficient_user_authentication',
    accessToken: 'not concerned',
    message: 'A stronger or more recent login is required',
  },

  // The request and its operation.
  BAD_REQUEST: {
    ...badRequest,
    message: 'The request is malformed',
  },
  INVALID_JSON: {
    ...badRequest,
    message: 'The request body is not valid JSON',
  },
  BATCH_REFUSED: {
    ...badRequest,
    message: 'Batching is not supported: send one operation per request',
  },
  METHOD_NOT_ALLOWED: {
    ...badRequest,
    status: 405,
    allow: 'GET, POST',
    message: 'The method is not allowed: send queries by GET or POST, and mutations by POST',
  },
  GET_NOT_ALLOWED: {
    ...badRequest,
    status: 405,
    allow: 'POST',
    message: 'A GET request can execute only a query: send mutations by POST',
  },
  NOT_ACCEPTABLE: {
    ...badRequest,
    status: 406,
    message:
      'The Accept header allows neither application/json nor application/graphql-response+json',
  },
  NOT_FOUND: {
    ...plain,
    code: 'NOT_FOUND',
    status: 404,
    message: 'Not found: the GraphQL endpoint is /graphql',
  },
  PAYLOAD_TOO_LARGE: {
    ...plain,
    code: 'PAYLOAD_TOO_LARGE',
    status: 413,
    message: 'The request body is larger than `http.body_limit` allows',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    ...badRequest,
    status: 415,
    message: 'The media type is not supported: send application/json without content encoding',
  },
  GRAPHQL_PARSE_FAILED: {
    ...plain,
    code: 'GRAPHQL_PARSE_FAILED',
    status: 400,
    message: 'The document is not valid GraphQL',
  },
  DOCUMENT_TOO_DEEP: {
    ...plain,
    code: 'GRAPHQL_PARSE_FAILED',
    status: 400,
    message: 'The document is nested too deeply',
  },
  VARIABLES_TOO_DEEP: {
    ...plain,
    code: 'BAD_USER_INPUT',
    status: 400,
    message: 'The variables are nested too deeply',
  },
  EXTENSIONS_TOO_DEEP: {
    ...badRequest,
    message: 'The extensions are nested too deeply',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    ...plain,
    code: 'PERSISTED_QUERY_NOT_SUPPORTED',
    status: 200,
    // Apollo's clients look for this word, and then send the text.
    message: 'PersistedQueryNotSupported',
  },
  PERSISTED_QUERY_MISMATCH: {
    ...badRequest,
    message:
      '`extensions.persistedQuery` does not match the query: send version 1 and its sha256Hash, or omit it',
  },
  GRAPHQL_VALIDATION_FAILED: {
    ...plain,
    code: 'GRAPHQL_VALIDATION_FAILED',
    status: 400,
    message: 'The document is not valid for the schema',
  },
  OPERATION_RESOLUTION_FAILURE: {
    ...unresolved,
    message: '`operationName` must name an operation of the document',
  },
  MUTATIONS_NOT_SERVED: {
    ...unresolved,
    message: 'The schema has no mutations: send a query',
  },
  SUBSCRIPTIONS_NOT_SERVED: {
    ...unresolved,
    message: 'Subscriptions are not supported: send a query or a mutation',
  },
  CREDENTIALS_REPEATED: {
    ...plain,
    code: 'CREDENTIALS_REPEATED',
    status: 400,
    message: 'Only one credential field is allowed per operation',
  },
  OPERATION_TOO_COMPLEX: {
    ...plain,
    code: 'OPERATION_TOO_COMPLEX',
    status: 400,
    message:
      'The operation takes too long to plan: select fewer fields, nest them less deeply, or split it into several operations',
  },
  BAD_USER_INPUT: {
    ...plain,
    code: 'BAD_USER_INPUT',
    status: 400,
    message: 'An input value is not valid',
  },

  // The gateway and its subgraphs.
  TOO_MANY_REQUESTS: {
    ...plain,
    code: 'TOO_MANY_REQUESTS',
    status: 429,
    retryAfter: 60,
    message: 'Too many requests: retry after 60 seconds',
  },
  SERVICE_UNAVAILABLE: {
    ...unavailable,
    accessToken: 'not concerned',
    message: 'The service is overloaded: retry after 5 seconds',
  },
  UNAUTHENTICATED: {
    ...plain,
    code: 'UNAUTHENTICATED',
    status: 200,
    message: 'Log in to see this',
  },
  FORBIDDEN: {
    ...plain,
    code: 'FORBIDDEN',
    status: 200,
    message: 'You do not have permission for this',
  },
  UNRESOLVABLE_FIELD: {
    ...plain,
    code: 'UNRESOLVABLE_FIELD',
    status: 500,
    message: 'No subgraph can resolve this field',
  },
  SUBGRAPH_ERROR: {
    ...plain,
    code: 'SUBGRAPH_ERROR',
    status: 200,
    message: 'Part of the response could not be loaded',
  },
  SUBGRAPH_UNREACHABLE: {
    ...plain,
    code: 'SUBGRAPH_UNREACHABLE',
    status: 502,
    message: 'Part of the graph is unreachable at the moment',
  },
  SUBGRAPH_RESPONSE_INVALID: {
    ...plain,
    code: 'SUBGRAPH_RESPONSE_INVALID',
    status: 502,
    message: 'Part of the graph returned an invalid response',
  },
  SUBGRAPH_TIMEOUT: {
    ...plain,
    code: 'SUBGRAPH_TIMEOUT',
    status: 504,
    message: 'Part of the graph did not respond in time',
  },
  INTERNAL_SERVER_ERROR: {
    ...plain,
    code: 'INTERNAL_SERVER_ERROR',
    status: 500,
    message: 'An internal error occurred',
  },
} as const satisfies Record<string, ErrorRow>

/** The name of a row, which the client sees as `extensions.reason`. */
export type ErrorName = keyof typeof errorTable

/**
 * The rows that mean "retry later": a response that has only these errors has their HTTP status.
 */
export const retryLater = ['SERVICE_UNAVAILABLE', 'TOO_MANY_REQUESTS'] as const

/** The longest delay that the gateway forwards, in seconds. */
const longestRetry = 3_600

/**
 * Returns the seconds to wait, or undefined for a value that is not a plausible number of seconds.
 */
export function plausibleRetryAfter(seconds: unknown): number | undefined {
  const isPlausible =
    Number.isInteger(seconds) && (seconds as number) >= 1 && (seconds as number) <= longestRetry
  return isPlausible ? (seconds as number) : undefined
}

/**
 * The names of extensions of a subgraph's errors that are never forwarded: `http` would set the
 * gateway's own status, and frameworks add the others for developers.
 */
export const neverPassed = /^http$|stack|trace|exception|debug/i

/** A refusal by the name of its row: message, status and headers come from the table. */
export class GatewayError extends Error {
  override name = 'GatewayError'
  readonly row: ErrorRow
  readonly reason: ErrorName

  /**
   * @param options.cause for the log only: it never reaches the client and never contains a token
   * @param options.message replaces the message of the table where the client needs a detail, such as
   *   the limit
   */
  constructor(reason: ErrorName, options: { cause?: unknown; message?: string } = {}) {
    const { message, ...rest } = options
    const row = errorTable[reason]
    super(message ?? row.message, rest)
    this.reason = reason
    this.row = message === undefined ? row : { ...row, message }
  }
}
