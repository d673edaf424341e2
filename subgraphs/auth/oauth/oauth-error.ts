/** The errors of OAuth's endpoints (RFC 6749 section 5.2), as a table. */
const statuses = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_grant: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  unsupported_token_type: 400,
  insufficient_scope: 403,
  // From RFC 8628: the only error of the token endpoint that means "try again later".
  slow_down: 429,
} as const

export type OAuthErrorCode = keyof typeof statuses

export class OAuthError extends Error {
  override name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  /** After how many seconds another attempt may succeed. */
  readonly retryAfter: number | undefined

  /** @param description for the developer of the client; never what was sent */
  constructor(code: OAuthErrorCode, description: string, retryAfter?: number) {
    super(description)
    this.code = code
    this.status = statuses[code]
    this.retryAfter = retryAfter
  }
}
