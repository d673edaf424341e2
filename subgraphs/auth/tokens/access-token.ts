/** Access tokens: JWTs in the profile of RFC 9068. */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { Account } from '../accounts/accounts.ts'
import type { Session } from '../sessions/sessions.ts'
import { statusReference } from '../revocation/status-lists.ts'
import type { SigningKeys } from './signing-keys.ts'

export interface AccessTokenOptions {
  /** The `iss`. */
  issuer: string
  /** The `aud`: the gateway's name for itself. */
  audience: string
  /** In milliseconds. There is no way to shorten it afterwards but revocation. */
  lifetime: number
  /** Where gateways reach the status lists, without a trailing slash. */
  baseUrl: () => string
}

export interface AccessToken {
  readonly token: string
  /** In seconds. */
  readonly expiresIn: number
}

export type AccessTokenIssuer = (account: Account, session: Session) => Promise<AccessToken>

/** The `client_id` of people who log in through GraphQL: required by RFC 9068 section 2.2. */
const firstPartyClient = 'portcullis'

/** Returns a function that signs an access token for an account's session. */
export function accessTokenIssuer(
  keys: SigningKeys,
  options: AccessTokenOptions,
  now: () => number,
): AccessTokenIssuer {
  const { issuer, audience, baseUrl } = options
  const lifetime = Math.floor(options.lifetime / 1000)

  return async (account, session) => {
    const key = await keys.current()
    const issuedAt = Math.floor(now() / 1000)
    const token = await new SignJWT({
      client_id: firstPartyClient,
      sid: session.id,
      scope: account.scopes.join(' '),
      name: account.name,
      status: { status_list: { ...statusReference(session.statusIndex, baseUrl()) } },
    })
      .setProtectedHeader({ typ: 'at+jwt', alg: key.algorithm, kid: key.id })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(account.id)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetime)
      .setJti(randomUUID())
      .sign(key.privateKey)
    return { token, expiresIn: lifetime }
  }
}
