/**
 * `/oauth/token`: access tokens for clients and programs.
 *
 *   client_credentials   a client gets a token of its own (RFC 6749 section 4.4)
 *   token-exchange       a user's API key is exchanged for an access token (RFC 8693)
 *   refresh_token        a refresh token is exchanged for new tokens (RFC 6749 section 6)
 */
import { verifiedEmail } from '../accounts/accounts.ts'
import type { Account, Accounts } from '../accounts/accounts.ts'
import type { AuditTrail } from '../audit/audit-trail.ts'
import type { ApiKeys } from '../machines/api-keys.ts'
import type { Clients } from '../machines/clients.ts'
import type { RefreshTokens } from '../sessions/refresh-tokens.ts'
import type { SessionScopes } from '../sessions/session-scopes.ts'
import { firstPartyClient } from '../tokens/access-token.ts'
import type { AccessTokenIssuer, AccessTokenSigner } from '../tokens/access-token.ts'
import { authenticateClient } from './client-authentication.ts'
import type { Form, FormHandler } from './form-endpoint.ts'
import { OAuthError } from './oauth-error.ts'

export const tokenPath = '/oauth/token'

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const apiKeyTokenType = 'urn:portcullis:params:oauth:token-type:api-key'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

export const grantTypes = ['client_credentials', 'refresh_token', tokenExchangeGrant] as const

export interface TokenEndpointParts {
  accounts: Accounts
  clients: Clients
  apiKeys: ApiKeys
  refreshTokens: RefreshTokens
  audit: AuditTrail
  signAccessToken: AccessTokenSigner
  issueAccessToken: AccessTokenIssuer
  scopesOf: SessionScopes
}

export function tokenEndpoint(parts: TokenEndpointParts): FormHandler {
  const { accounts, clients, apiKeys, refreshTokens, audit } = parts
  const grants: Record<(typeof grantTypes)[number], FormHandler> = {
    client_credentials: ofClient,
    refresh_token: ofRefreshToken,
    [tokenExchangeGrant]: ofApiKey,
  }

  return (form, request) => {
    const name = form.get('grant_type')
    if (name === undefined) throw new OAuthError('invalid_request', 'grant_type is missing')
    const grant = grantTypes.find((known) => known === name)
    if (!grant)
      throw new OAuthError('unsupported_grant_type', `Use one of ${grantTypes.join(', ')}`)
    return grants[grant](form, request)
  }

  async function ofClient(form: Form, request: Parameters<FormHandler>[1]) {
    const client = await authenticateClient(request, form, clients)
    const scopes = chosenScopes(form, client.scopes)
    const { token, expiresIn } = await parts.signAccessToken({
      subject: client.id,
      generation: client.generation,
      clientId: client.id,
      scopes,
      name: client.name,
    })
    await audit.record({ event: 'client logged in', accountId: client.id })
    return tokenAnswer(token, expiresIn, scopes)
  }

  async function ofApiKey(form: Form) {
    if (form.get('subject_token_type') !== apiKeyTokenType) {
      throw new OAuthError('invalid_request', `subject_token_type must be ${apiKeyTokenType}`)
    }
    const apiKey = await apiKeys.use(form.get('subject_token') ?? '')
    const account = apiKey && (await accounts.find(apiKey.accountId))
    if (!account || account.disabled) throw new OAuthError('invalid_grant', 'No such key')

    const scopes = chosenScopes(form, stillHeld(apiKey.scopes, account))
    const { token, expiresIn } = await parts.signAccessToken({
      subject: account.id,
      generation: account.generation,
      clientId: firstPartyClient,
      scopes,
      name: account.name,
      verifiedEmail: verifiedEmail(account),
      apiKeyId: apiKey.id,
      statusIndex: apiKey.statusIndex,
    })
    return { ...tokenAnswer(token, expiresIn, scopes), issued_token_type: accessTokenType }
  }

  async function ofRefreshToken(form: Form) {
    const result = await refreshTokens.rotate(form.get('refresh_token') ?? '', {})
    // The session stays valid: `invalid_grant` would make clients drop it (RFC 6749 section 5.2).
    if (result.outcome === 'conflict' && result.retryAfter !== undefined) {
      const message =
        'The refresh token was used a moment ago: use the newest one, or try again later'
      throw new OAuthError('slow_down', message, result.retryAfter)
    }
    if (result.outcome !== 'rotated') {
      throw new OAuthError('invalid_grant', 'The refresh token is used, expired or unknown')
    }
    const { token, expiresIn } = await parts.issueAccessToken(result.account, result.session)
    return {
      ...tokenAnswer(token, expiresIn, parts.scopesOf(result.account, result.session)),
      refresh_token: result.refreshToken,
    }
  }
}

/** Scopes that an administrator took from the user are taken from their keys, too. */
function stillHeld(scopes: readonly string[], account: Account): string[] {
  return scopes.filter((scope) => account.scopes.includes(scope))
}

/** Fewer scopes may be requested, never more. */
function chosenScopes(form: Form, allowed: readonly string[]): readonly string[] {
  const requested = form.get('scope')?.split(' ').filter(Boolean)
  if (!requested) return allowed
  if (requested.every((scope) => allowed.includes(scope))) return [...new Set(requested)]
  throw new OAuthError('invalid_scope', 'A scope is not granted to this client or key')
}

function tokenAnswer(token: string, expiresIn: number, scopes: readonly string[]) {
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: expiresIn,
    scope: scopes.join(' '),
  }
}
