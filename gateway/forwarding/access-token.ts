/** The caller's access token, for a subgraph that verifies it itself. */
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

/**
 * Returns the entry of the access token: the text that the gateway has verified, wherever the request carried it. For
 * an API key, it is the token that the key was exchanged for.
 */
export function accessToken(): ForwardedHeader<string | null> {
  return {
    select: ({ accessToken }) => accessToken ?? null,
    write: (token): Headers => (token === null ? {} : { authorization: `Bearer ${token}` }),
  }
}
