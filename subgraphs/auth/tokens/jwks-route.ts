import type { RequestHandler } from 'express'
import { jwksCacheLifetime } from './key-lifecycle.ts'
import type { SigningKeys } from './signing-keys.ts'

export const jwksPath = '/.well-known/jwks.json'

/** Responds with the public keys (RFC 7517 section 5). */
export function jwksRoute(keys: SigningKeys): RequestHandler {
  return async (_request, response) => {
    response
      .set('cache-control', `public, max-age=${jwksCacheLifetime}`)
      .type('application/jwk-set+json')
      .send(JSON.stringify({ keys: await keys.published() }))
  }
}
