/** Access tokens: JWTs in the profile of RFC 9068. */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { verifiedEmail } from '../accounts/accounts.ts'
import type { Account } from '../accounts/accounts.ts'
import { statusReference } from '../revocation/status-lists.ts'
import type { SessionScopes } from '../sessions/session-scopes.ts'
import type { Session } from '../sessions/sessions.ts'
import type { SigningKeys } from './signing-keys.ts'

export interface AccessTokenOptions {
  /** The `iss`. */
  issuer: string
  /** The `aud`: the gateway's name for itself. */
  audience: string
  /** In milliseconds. Only revocation can shorten it afterwards. */
  lifetime: number
  /** Where gateways reach the status lists, without a trailing slash. */
  baseUrl: () => string
}

export interface AccessToken {
  readonly token: string
  /** In seconds. */
  readonly expiresIn: number
}

/** The content of an access token. */
export interface AccessTokenContent {
  subject: string
  /** `gen`: the generation of its subject when its scopes were read. A revocation refuses earlier ones. */
  generation: number
  /** The client that requested it (RFC 9068 section 2.2 requires one). */
  clientId: string
  scopes: readonly string[]
  name: string
  /** A verified address; included only with the scope `profile:email`. */
  verifiedEmail?: string | null
  /** The session that it belongs to, and how the user logged in. */
  session?: Pick<Session, 'id' | 'createdAt' | 'strength'>
  /** The API key that was exchanged for it: `akid`. */
  apiKeyId?: string
  /** Its index in the status lists, if it can be revoked there. */
  statusIndex?: number
}

export type AccessTokenSigner = (content: AccessTokenContent) => Promise<AccessToken>

const emailScope = 'profile:email'

/** The `client_id` of users who log in through GraphQL. */
export const firstPartyClient = 'portcullis'

/** Returns a function that signs an access token. */
export function accessTokenSigner(
  keys: SigningKeys,
  options: AccessTokenOptions,
  now: () => number,
): AccessTokenSigner {
  const { issuer, audience, baseUrl } = options
  const lifetime = Math.floor(options.lifetime / 1000)

  return async (content) => {
    const { subject, generation, clientId, scopes, name, verifiedEmail: email } = content
    const { session, apiKeyId, statusIndex } = content
    const key = await keys.current()
    const issuedAt = Math.floor(now() / 1000)
    const token = await new SignJWT({
      client_id: clientId,
      gen: generation,
      scope: scopes.join(' '),
      name,
      ...(email != null && scopes.includes(emailScope) ? { email, email_verified: true } : {}),
      ...(session === undefined ? {} : sessionClaims(session)),
      ...(apiKeyId === undefined ? {} : { akid: apiKeyId }),
      ...(statusIndex === undefined
        ? {}
        : { status: { status_list: { ...statusReference(statusIndex, baseUrl()) } } }),
    })
      .setProtectedHeader({ typ: 'at+jwt', alg: key.algorithm, kid: key.id })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(subject)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetime)
      .setJti(randomUUID())
      .sign(key.privateKey)
    return { token, expiresIn: lifetime }
  }
}

export type AccessTokenIssuer = (account: Account, session: Session) => Promise<AccessToken>

/** Returns a function that signs an access token for an account's session. */
export function accessTokenIssuer(
  sign: AccessTokenSigner,
  scopesOf: SessionScopes,
): AccessTokenIssuer {
  return (account, session) =>
    sign({
      subject: account.id,
      generation: account.generation,
      clientId: firstPartyClient,
      scopes: scopesOf(account, session),
      name: account.name,
      verifiedEmail: verifiedEmail(account),
      session,
      statusIndex: session.statusIndex,
    })
}

/** RFC 9068 section 2.2.1. A refresh does not change the time of the login. */
function sessionClaims({
  id,
  createdAt,
  strength,
}: Pick<Session, 'id' | 'createdAt' | 'strength'>) {
  return {
    sid: id,
    auth_time: Math.floor(createdAt / 1000),
    acr: strength.level,
    amr: strength.methods,
  }
}
