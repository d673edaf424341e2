/** `/oauth/introspect`: the state of a token (RFC 7662), for clients with the scope. */
import { createHash } from 'node:crypto'
import type { AuthDatabase } from '../database.ts'
import type { Clients } from '../machines/clients.ts'
import type { VerifyOwnToken } from '../tokens/verify-own-token.ts'
import { authenticateClient } from './client-authentication.ts'
import type { FormHandler } from './form-endpoint.ts'
import { OAuthError } from './oauth-error.ts'

export const introspectionPath = '/oauth/introspect'

/** The scope that a client needs to introspect tokens. */
export const introspectionScope = 'introspect'

export interface IntrospectionParts {
  database: AuthDatabase
  clients: Clients
  verifyOwnToken: VerifyOwnToken
  now: () => number
}

/** The response is the same for every problem with a token (section 2.2). */
const inactive = { active: false }

export function introspectionEndpoint(parts: IntrospectionParts): FormHandler {
  const { database, clients, verifyOwnToken, now } = parts

  return async (form, request) => {
    const client = await authenticateClient(request, form, clients)
    if (!client.scopes.includes(introspectionScope)) {
      throw new OAuthError('insufficient_scope', `The client lacks ${introspectionScope}`)
    }
    const token = form.get('token')
    if (token === undefined) throw new OAuthError('invalid_request', 'token is missing')

    const claims = await verifyOwnToken(token)
    if (claims) return { active: true, token_type: 'Bearer', ...claims }
    return (await asRefreshToken(token)) ?? inactive
  }

  async function asRefreshToken(token: string) {
    const row = await database
      .selectFrom('auth_refresh_tokens')
      .innerJoin('auth_sessions', 'auth_sessions.id', 'auth_refresh_tokens.session_id')
      .select([
        'auth_sessions.account_id',
        'auth_sessions.id as session_id',
        'auth_refresh_tokens.expires_at',
      ])
      .where('hash', '=', createHash('sha256').update(token).digest('base64url'))
      .where('used_at', 'is', null)
      .where('replaced_at', 'is', null)
      .where('auth_refresh_tokens.expires_at', '>', now())
      .where('revoked_at', 'is', null)
      .executeTakeFirst()
    return (
      row && {
        active: true,
        sub: row.account_id,
        sid: row.session_id,
        exp: Math.floor(row.expires_at / 1000),
      }
    )
  }
}
