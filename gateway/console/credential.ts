/** Who asks, as a request to the gateway says it. */

/** What a request carries to say who asks. */
export type Credential =
  | { readonly kind: 'nothing' }
  /** An access token or an API key. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** The access token in a cookie, which no script can read. */
  | { readonly kind: 'cookies' }

/** Of a request of nobody. */
export const nothing: Credential = { kind: 'nothing' }
/** Of a request of the account that is logged in in the browser. */
export const cookies: Credential = { kind: 'cookies' }

/**
 * Returns those options of `fetch` that say who asks. Cookies are sent and set for nobody else: otherwise they would
 * answer for nobody, and for a token that is missing or refused.
 */
export function asCaller(credential: Credential): {
  readonly credentials: RequestCredentials
  readonly headers: Readonly<Record<string, string>>
} {
  return {
    credentials: credential.kind === 'cookies' ? 'same-origin' : 'omit',
    headers: credential.kind === 'bearer' ? { authorization: `Bearer ${credential.token}` } : {},
  }
}
