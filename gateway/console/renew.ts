/** Access tokens that are renewed before they expire: what a request as an identity carries. */
import type { InBrowser } from './browser-session.ts'
import { cookies, nothing } from './credential.ts'
import type { Credential } from './credential.ts'
import { codeOf } from './graph.ts'
import type { Exchange, SendOperation } from './graph.ts'
import type { Identity, IdentityStore, LoggedIn } from './identities.ts'
import { cookieLock, sendInCookies } from './send-in-cookies.ts'
import { expiryIn, payloadFields, tokensIn, whyNot } from './tokens.ts'

/** What else is to be said of the identity. */
export interface CredentialOptions {
  /** The access token was refused: another one is needed, whenever it expires. */
  readonly isRefused?: boolean
}

/**
 * Returns the credential of an identity, with a new access token if the last one is about to expire. Rejects if the
 * identity has none any more.
 */
export type CredentialOf = (identity: Identity, options?: CredentialOptions) => Promise<Credential>

/** How long before it expires an access token is renewed, in milliseconds. */
const margin = 15_000

/**
 * Returns the function that knows the credentials. A refresh token is valid once: requests at the same time wait for
 * one renewal, and so do the tabs that share cookies.
 */
export function credentialsOf(
  send: SendOperation,
  store: IdentityStore,
  locks: LockManager,
): CredentialOf {
  return async (identity, { isRefused = false } = {}) => {
    if (identity.kind === 'nobody') return nothing
    if (identity.kind === 'pasted') return { kind: 'bearer', token: identity.credential }
    const mustRenew = isRefused ? identity.expiresAt : undefined
    if (!isDue(latest(identity), mustRenew)) return credentialIn(latest(identity))
    const isOfTab = identity.kind === 'logged in'
    return locks.request(isOfTab ? `portcullis.renewal.${identity.id}` : cookieLock, async () => {
      // While this one has waited for the lock, another may have done it.
      const current = latest(identity)
      if (!isDue(current, mustRenew)) return credentialIn(current)
      const renewed =
        current.kind === 'logged in' ? await renew(current) : await renewCookies(current)
      store.replace(renewed)
      return credentialIn(renewed)
    })
  }

  /** Other tabs and requests renew the same identity. */
  function latest(identity: LoggedIn | InBrowser): LoggedIn | InBrowser {
    const found = store.find(identity.id)
    if (found?.kind === 'logged in' || found?.kind === 'in this browser') return found
    throw new Error(`${identity.name} has been logged out`)
  }

  async function renew(current: LoggedIn): Promise<LoggedIn> {
    const { refreshToken } = current
    const query = `mutation Refresh($refreshToken: String) {
  refresh(refreshToken: $refreshToken) { ${payloadFields} }
}`
    const exchange = await send({ query, variables: { refreshToken } }, nothing)
    const received = tokensIn(exchange, 'refresh')
    return received ? { ...current, ...received } : withoutNew(current, exchange)
  }

  async function renewCookies(current: InBrowser): Promise<InBrowser> {
    const query = `mutation Refresh { refresh { ${payloadFields} } }`
    const exchange = await sendInCookies(send, { query })
    const expiresAt = expiryIn(exchange, 'refresh')
    return expiresAt === undefined ? withoutNew(current, exchange) : { ...current, expiresAt }
  }
}

function isDue(identity: LoggedIn | InBrowser, refused: number | undefined): boolean {
  if (identity.ended !== undefined) return false
  if (identity.kind === 'logged in' && !identity.refreshToken) return false
  return identity.expiresAt === refused || Date.now() >= identity.expiresAt - margin
}

/** Without a response, or while the graph is overloaded, the session may well be open: the next request tries again. */
function withoutNew<Of extends LoggedIn | InBrowser>(current: Of, exchange: Exchange): Of {
  const code = codeOf(exchange.result)
  if (code === 'SESSION_ENDED') return { ...current, ended: whyNot(exchange) }
  return code === 'BAD_USER_INPUT' ? { ...current, ended: 'the refresh token has gone' } : current
}

/**
 * The gateway refuses an access token that has expired, but a cookie that has expired is not sent: what came then
 * would be for nobody.
 */
function credentialIn(identity: LoggedIn | InBrowser): Credential {
  if (identity.kind === 'logged in') return { kind: 'bearer', token: identity.accessToken }
  const { name, ended, expiresAt } = identity
  if (ended !== undefined) throw new Error(`${name} is logged out: ${ended}`)
  if (Date.now() < expiresAt) return cookies
  throw new Error(`The access token of ${name} has expired, and cannot be renewed now: try again`)
}
