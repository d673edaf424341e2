/** What a request to the gateway carries to say who asks. */

export type Credential =
  | { readonly kind: 'nothing' }
  /** An access token or an API key. */
  | { readonly kind: 'bearer'; readonly token: string }
  /** The access token in a cookie, which no script can read. */
  | { readonly kind: 'cookies' }

export const nothing: Credential = { kind: 'nothing' }
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
