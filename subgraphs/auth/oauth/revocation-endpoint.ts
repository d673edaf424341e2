/**
 * `/oauth/revoke` (RFC 7009): the holder of a token may revoke it. Revoking a refresh token or an
 * access token ends its session; an API key is revoked itself. The response to an unknown token is the
 * same.
 */
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { AuthDatabase } from '../database.ts'
import { isApiKey } from '../machines/api-keys.ts'
import type { ApiKeys } from '../machines/api-keys.ts'
import type { SessionEnder } from '../sessions/end-sessions.ts'
import type { RefreshTokens } from '../sessions/refresh-tokens.ts'
import type { VerifyOwnToken } from '../tokens/verify-own-token.ts'
import type { FormHandler } from './form-endpoint.ts'
import { OAuthError } from './oauth-error.ts'

export const revocationPath = '/oauth/revoke'

export interface RevocationEndpointParts {
  database: AuthDatabase
  apiKeys: ApiKeys
  refreshTokens: RefreshTokens
  sessionEnder: SessionEnder
  verifyOwnToken: VerifyOwnToken
  audit: AuditTrail
}

export function revocationEndpoint(parts: RevocationEndpointParts): FormHandler {
  const { database, apiKeys, refreshTokens, sessionEnder, verifyOwnToken, audit } = parts

  return async (form) => {
    const token = form.get('token')
    if (token === undefined) throw new OAuthError('invalid_request', 'token is missing')
    if (isApiKey(token)) await revokeApiKey(token)
    else await endSession(token)
    return undefined
  }

  async function revokeApiKey(text: string): Promise<void> {
    await database.transaction().execute(async (transaction) => {
      const revoked = await apiKeys.revoke(transaction, { text })
      if (!revoked) return
      await audit.record({ event: 'API key revoked', accountId: revoked.accountId }, transaction)
    })
  }

  async function endSession(token: string): Promise<void> {
    const claims = await verifyOwnToken(token)
    const session =
      typeof claims?.sid === 'string'
        ? { id: claims.sid, accountId: claims.sub }
        : await refreshTokens.sessionOf(token)
    if (session) await sessionEnder.end('logout', session.accountId, session.id, {})
  }
}
