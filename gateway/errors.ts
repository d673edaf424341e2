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
  /** The seconds in `Retry-After`, where they are not computed; undefined sends no such header. */
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

const plain = {
  challenge: undefined,
  retryAfter: undefined,
  allow: undefined,
  accessToken: 'not concerned',
} as const
/** A row without headers of its own, of an error that is not about an access token. */
const row = (code: string, status: number, message: string) => ({ ...plain, code, status, message })
const badRequest = (message: string) => row('BAD_REQUEST', 400, message)
const unresolved = (message: string) => row('OPERATION_RESOLUTION_FAILURE', 400, message)
/** RFC 9110 section 11.6.1: a 401 response has a challenge, so each row says which. */
const unauthenticated = <const Challenge>(challenge: Challenge, message: string) => ({
  ...row('UNAUTHENTICATED', 401, message),
  challenge,
})
const unavailable = (message: string) => ({
  ...row('SERVICE_UNAVAILABLE', 503, message),
  retryAfter: 5,
})

type Consequences = Omit<AccessTokenColumns, 'check'>
const both = { remembered: true, renewed: true } as const
const remembered = { remembered: true, renewed: false } as const
const renewed = { remembered: false, renewed: true } as const
const neither = { remembered: false, renewed: false } as const
/** A row that refuses an access token: which check fails, and what follows. */
const token = <const Check>(check: Check, consequences: Consequences, message: string) => ({
  ...unauthenticated('invalid_token', message),
  accessToken: { check, ...consequences },
})

/** The closed table of errors, by the name that a client sees as `extensions.reason`. */
export const errorTable = {
  // Authentication: the access token or API key of the request.
  TOKEN_MISSING: unauthenticated('without error', 'An access token is required: log in first'),
  TOKEN_EXPIRED: token('expiry', both, 'The access token has expired: request a new one'),
  TOKEN_NOT_YET_VALID: token('not before', neither, 'The access token is not valid yet'),
  TOKEN_TOO_OLD: token('age', both, 'The access token was issued too long ago: request a new one'),
  TOKEN_REVOKED: token('revocation', renewed, 'The access token has been revoked: log in again'),
  TOKEN_MALFORMED: token('form', neither, 'The access token is malformed'),
  TOKEN_TOO_LARGE: token('size', neither, 'The access token is larger than 8 KB'),
  TOKEN_TYPE_WRONG: token('type', remembered, 'The token is not an access token'),
  TOKEN_SENDER_CONSTRAINED: token(
    'sender constraint',
    remembered,
    'The access token is bound to a key or certificate, which is not supported: request a bearer token',
  ),
  HEADER_PARAMETER_REFUSED: token(
    'header',
    remembered,
    'The header of the access token has a parameter that is not accepted',
  ),
  ALGORITHM_REFUSED: token(
    'algorithm',
    remembered,
    'The access token is signed with an algorithm that is not accepted',
  ),
  KEY_UNKNOWN: token('key', renewed, 'The access token is signed with an unknown key'),
  SIGNATURE_INVALID: token('signature', both, 'The signature of the access token is not valid'),
  ISSUER_UNKNOWN: token('issuer', remembered, 'The access token was issued by an unknown issuer'),
  AUDIENCE_MISMATCH: token(
    'audience',
    remembered,
    'The access token was issued for a different audience',
  ),
  CLAIM_MISSING: token(
    'required claims',
    remembered,
    'A required claim is missing from the access token',
  ),
  CLAIM_INVALID: token('claims', remembered, 'A claim of the access token is not valid'),
  CLAIMS_TOO_LARGE: token(
    'claims to forward',
    remembered,
    'The claims to forward from the access token are larger than 4 KB',
  ),
  KEYS_UNAVAILABLE: {
    ...unavailable('Access tokens cannot be verified at the moment: retry after 5 seconds'),
    accessToken: { check: 'key', ...neither },
  },
  TOKEN_INACTIVE: token(
    'introspection',
    both,
    'The access token is not active: it is unknown, or has expired or been revoked',
  ),
  INTROSPECTION_UNAVAILABLE: {
    ...unavailable('Access tokens cannot be verified at the moment: retry after 5 seconds'),
    accessToken: { check: 'introspection', ...neither },
  },
  REVOCATION_UNAVAILABLE: {
    ...unavailable(
      'Revoked access tokens cannot be recognized at the moment: retry after 5 seconds',
    ),
    accessToken: { check: 'revocation', ...neither },
  },
  SUBJECT_CHANGED: unauthenticated(
    'invalid_token',
    'The access token is of another login than that of the connection: open another connection',
  ),
  SCHEME_UNSUPPORTED: unauthenticated(
    'without error',
    'The scheme of the Authorization header is not supported: use Bearer',
  ),
  CREDENTIALS_AMBIGUOUS: {
    ...badRequest('The request has more than one access token: send only one'),
    challenge: 'invalid_request',
  },
  API_KEY_REFUSED: unauthenticated('invalid_token', 'The API key is unknown, expired or revoked'),
  API_KEYS_UNAVAILABLE: unavailable(
    'API keys cannot be verified at the moment: retry after 5 seconds',
  ),

  // Authorization: nothing of the operation is left for this caller.
  INSUFFICIENT_SCOPE: {
    ...row('FORBIDDEN', 403, 'The access token does not have the required scopes'),
    challenge: 'insufficient_scope',
  },
  INSUFFICIENT_USER_AUTHENTICATION: unauthenticated(
    'insufficient_user_authentication',
    'A stronger or more recent login is required',
  ),

  ORIGIN_REFUSED: row(
    'FORBIDDEN',
    403,
    'Pages of this origin may not open a WebSocket: add the origin to `http.cors.origins`',
  ),

  // The request and its operation.
  BAD_REQUEST: badRequest('The request is malformed'),
  INVALID_JSON: badRequest('The request body is not valid JSON'),
  BATCH_REFUSED: badRequest('Batching is not supported: send one operation per request'),
  BATCH_TOO_LARGE: badRequest('The batch has too many operations: send fewer per request'),
  METHOD_NOT_ALLOWED: {
    ...badRequest('The method is not allowed: send queries by GET or POST, and mutations by POST'),
    status: 405,
    allow: 'GET, POST',
  },
  GET_NOT_ALLOWED: {
    ...badRequest('A GET request can execute only a query: send mutations by POST'),
    status: 405,
    allow: 'POST',
  },
  NOT_ACCEPTABLE: {
    ...badRequest(
      'The Accept header allows neither application/json nor application/graphql-response+json',
    ),
    status: 406,
  },
  NOT_FOUND: row('NOT_FOUND', 404, 'Not found: the GraphQL endpoint is /graphql'),
  PAYLOAD_TOO_LARGE: row(
    'PAYLOAD_TOO_LARGE',
    413,
    'The request body is larger than `http.body_limit` allows',
  ),
  // RFC 6585 section 5.
  REQUEST_HEADERS_TOO_LARGE: row(
    'REQUEST_HEADERS_TOO_LARGE',
    431,
    'The headers that pass to a subgraph are too large: send fewer or shorter headers and cookies',
  ),
  UNSUPPORTED_MEDIA_TYPE: {
    ...badRequest(
      'The media type or the content encoding is not supported: send application/json, as it is or as gzip, deflate or br',
    ),
    status: 415,
  },
  GRAPHQL_PARSE_FAILED: row('GRAPHQL_PARSE_FAILED', 400, 'The document is not valid GraphQL'),
  DOCUMENT_TOO_DEEP: row('GRAPHQL_PARSE_FAILED', 400, 'The document is nested too deeply'),
  VARIABLES_TOO_DEEP: row('BAD_USER_INPUT', 400, 'The variables are nested too deeply'),
  EXTENSIONS_TOO_DEEP: badRequest('The extensions are nested too deeply'),
  PERSISTED_QUERY_NOT_SUPPORTED: row(
    'PERSISTED_QUERY_NOT_SUPPORTED',
    200,
    'PersistedQueryNotSupported',
  ),
  // Apollo's clients send the text upon this message, or this code.
  PERSISTED_QUERY_NOT_FOUND: row('PERSISTED_QUERY_NOT_FOUND', 200, 'PersistedQueryNotFound'),
  PERSISTED_QUERY_HASH_MISMATCH: row(
    'PERSISTED_QUERY_HASH_MISMATCH',
    400,
    '`extensions.persistedQuery.sha256Hash` is not the SHA-256 of the query: hash the text exactly as it is sent',
  ),
  CANNOT_SEND_PQ_ID_AND_BODY: row(
    'CANNOT_SEND_PQ_ID_AND_BODY',
    400,
    'The id and the text of the request are of different documents: send one of them',
  ),
  PERSISTED_QUERY_NOT_IN_LIST: row(
    'PERSISTED_QUERY_NOT_IN_LIST',
    404,
    'No operation with this id is known: the manifest of the client must be published first',
  ),
  PERSISTED_QUERY_ID_REQUIRED: row(
    'PERSISTED_QUERY_ID_REQUIRED',
    400,
    'Only known operations are accepted, by their ids: send `documentId` without `query`',
  ),
  QUERY_NOT_IN_SAFELIST: row(
    'QUERY_NOT_IN_SAFELIST',
    403,
    'Only known operations are accepted: send the text exactly as it is in the published manifest',
  ),
  OPERATIONS_UNAVAILABLE: unavailable(
    'The known operations are not available yet: retry after 5 seconds',
  ),
  GRAPHQL_VALIDATION_FAILED: row(
    'GRAPHQL_VALIDATION_FAILED',
    400,
    'The document is not valid for the schema',
  ),
  OPERATION_RESOLUTION_FAILURE: unresolved(
    '`operationName` must name an operation of the document',
  ),
  MUTATIONS_NOT_SERVED: unresolved('The schema has no mutations: send a query'),
  SUBSCRIPTIONS_NOT_SERVED: unresolved(
    'The schema has no subscriptions: send a query or a mutation',
  ),
  SUBSCRIPTIONS_NOT_SUPPORTED: unresolved(
    'This gateway does not support subscriptions: send a query or a mutation',
  ),
  SUBSCRIPTION_TRANSPORT_NEEDED: row(
    'SUBSCRIPTION_TRANSPORT_NEEDED',
    406,
    'A subscription needs a stream: open a WebSocket with the subprotocol graphql-transport-ws, or send `Accept: text/event-stream` or `Accept: multipart/mixed;subscriptionSpec=1.0`',
  ),
  SUBSCRIPTION_SCHEMA_RELOAD: row(
    'SUBSCRIPTION_SCHEMA_RELOAD',
    200,
    'The subscription is not valid for the new schema',
  ),
  SUBSCRIPTION_SERVER_SHUTDOWN: row(
    'SUBSCRIPTION_SERVER_SHUTDOWN',
    200,
    'The gateway stops: subscribe again',
  ),
  SUBSCRIPTION_TOO_SLOW: row(
    'SUBSCRIPTION_TOO_SLOW',
    200,
    'The subscription has ended, as its events were not read fast enough: subscribe again',
  ),
  CREDENTIALS_REPEATED: row(
    'CREDENTIALS_REPEATED',
    400,
    'Only one credential field is allowed per operation',
  ),
  OPERATION_TOO_LARGE: row(
    'OPERATION_TOO_LARGE',
    400,
    'The operation is larger than `limits` allows: send a smaller one, or several',
  ),
  COST_ESTIMATED_TOO_EXPENSIVE: row(
    'COST_ESTIMATED_TOO_EXPENSIVE',
    400,
    'The estimated cost of the operation is too high: select fewer fields, or shorter lists',
  ),
  SLICING_ARGUMENT_REQUIRED: row(
    'BAD_USER_INPUT',
    400,
    'A list needs exactly one of the arguments that limit its length',
  ),
  OPERATION_TOO_COMPLEX: row(
    'OPERATION_TOO_COMPLEX',
    400,
    'The operation takes too long to plan: select fewer fields, nest them less deeply, or split it into several operations',
  ),
  BAD_USER_INPUT: row('BAD_USER_INPUT', 400, 'An input value is not valid'),

  // The gateway and its subgraphs.
  SUPERGRAPH_UNAVAILABLE: unavailable('The schema is not available yet: retry after 5 seconds'),
  TOO_MANY_REQUESTS: {
    ...row('TOO_MANY_REQUESTS', 429, 'Too many requests: retry after 60 seconds'),
    retryAfter: 60,
  },
  RATE_EXCEEDED: {
    ...row('TOO_MANY_REQUESTS', 429, 'Too many requests: retry later'),
    retryAfter: 60,
  },
  AUTHENTICATION_RATE_EXCEEDED: {
    ...row(
      'TOO_MANY_REQUESTS',
      429,
      'Too many credentials from this network have been refused: retry later',
    ),
    retryAfter: 60,
  },
  SERVICE_UNAVAILABLE: unavailable(
    'The service is overloaded or unavailable: retry after 5 seconds',
  ),
  UNAUTHENTICATED: row('UNAUTHENTICATED', 200, 'Log in to see this'),
  FORBIDDEN: row('FORBIDDEN', 200, 'You do not have permission for this'),
  UNRESOLVABLE_FIELD: row('UNRESOLVABLE_FIELD', 500, 'No subgraph can resolve this field'),
  SUBGRAPH_ERROR: row('SUBGRAPH_ERROR', 200, 'Part of the response could not be loaded'),
  SUBGRAPH_UNREACHABLE: row(
    'SUBGRAPH_UNREACHABLE',
    502,
    'Part of the graph is unreachable at the moment',
  ),
  SUBGRAPH_RESPONSE_INVALID: row(
    'SUBGRAPH_RESPONSE_INVALID',
    502,
    'Part of the graph returned an invalid response',
  ),
  SUBGRAPH_TIMEOUT: row('SUBGRAPH_TIMEOUT', 504, 'Part of the graph did not respond in time'),
  REQUIRED_DATA_MISSING: row(
    'REQUIRED_DATA_MISSING',
    502,
    'Part of the response could not be loaded, as it requires another part that has failed',
  ),
  INTERNAL_SERVER_ERROR: row('INTERNAL_SERVER_ERROR', 500, 'An internal error occurred'),
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
  /** In how many seconds to retry, if that has been computed. */
  readonly retryAfter: number | undefined

  /**
   * @param options.cause for the log only: it never reaches the client and never contains a token
   * @param options.message replaces the message of the table where the client needs a detail, such as
   *   the limit
   * @param options.retryAfter replaces the seconds of the table where they can be computed
   */
  constructor(
    reason: ErrorName,
    options: { cause?: unknown; message?: string; retryAfter?: number | undefined } = {},
  ) {
    const { message, retryAfter, ...rest } = options
    const row: ErrorRow = errorTable[reason]
    super(message ?? row.message, rest)
    this.reason = reason
    this.retryAfter = retryAfter
    this.row =
      message === undefined && retryAfter === undefined
        ? row
        : { ...row, message: this.message, retryAfter: retryAfter ?? row.retryAfter }
  }
}
