/** Verifies the access tokens of an issuer by asking it (RFC 7662): opaque ones, and those that it signs for itself. */
import type { Logger } from 'pino'
import { Agent } from 'undici'
import type { Dispatcher } from 'undici'
import { claimChecker } from './check-claims.ts'
import type { ClaimsRecord } from './claim-path.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import { requestIntrospection } from './request-introspection.ts'
import type { IntrospectionRequestOptions } from './request-introspection.ts'
import { TokenRefused } from './token-refused.ts'
import type { AccessTokenRules, AccessTokenVerifier } from './verify-access-token.ts'

export interface IntrospectionOptions extends IntrospectionRequestOptions {
  /** How long the issuer is not asked again about an active token, in milliseconds. */
  activeFor: number
  /** How long an open connection is kept after that time, while the issuer is away, in milliseconds. */
  keepConnectionsFor: number
}

export interface IntrospectionParts {
  issuer: string
  log: Logger
  /** Called with each introspection; default: they are not counted. */
  introspected?: AuthenticationMetrics['introspected'] | undefined
  /** Default: its own connections. */
  dispatcher?: Dispatcher | undefined
}

/** The most requests at a time: a flood of unknown tokens does not become one at the issuer. */
const mostInProgress = 128

/** RFC 7662 has no required claims beside `active`; a subject has to be known. */
const requiredClaims = ['sub']

/** Returns what verifies tokens by the endpoint of the issuer. */
export function tokenIntrospection(options: IntrospectionOptions, parts: IntrospectionParts) {
  const { issuer, log, introspected = () => {} } = parts
  const dispatcher = parts.dispatcher ?? new Agent({ connections: 32, keepAliveTimeout: 30_000 })
  let inProgress = 0
  let isFailing = false

  return {
    introspect,
    /** Returns a function that verifies a token by these rules, or rejects with the reason. */
    verifier(rules: AccessTokenRules, now: () => number): AccessTokenVerifier {
      const checkClaims = claimChecker({ ...rules, requiredClaims })
      return async ({ text }) => {
        const askedAt = now()
        const stated = await introspect(text)
        const { iss = issuer } = stated
        if (iss !== issuer) {
          throw new TokenRefused('ISSUER_UNKNOWN', 'the response names another issuer')
        }
        const claims = checkClaims({ ...stated, iss }, now())
        const verifiedUntil = askedAt + options.activeFor
        const keptUntil = verifiedUntil + options.keepConnectionsFor
        return { claims, key: undefined, verifiedUntil, keptUntil }
      }
    },
    close: () => (parts.dispatcher ? undefined : dispatcher.destroy()),
  }

  /** Returns what the issuer says of an active token; rejects with a TokenRefused otherwise. */
  async function introspect(token: string): Promise<ClaimsRecord> {
    if (inProgress >= mostInProgress) {
      introspected('overload')
      throw unavailable('too many introspections in progress')
    }
    inProgress++
    const introspection = await requestIntrospection(token, options, dispatcher)
    inProgress--
    introspected(introspection.outcome)
    if (introspection.outcome === 'unavailable') {
      const { message: cause } = introspection.cause
      if (!isFailing) log.warn({ issuer, cause }, 'access tokens cannot be introspected')
      isFailing = true
      throw unavailable(cause)
    }
    if (isFailing) log.info({ issuer }, 'access tokens can be introspected again')
    isFailing = false
    if (introspection.outcome === 'active') return introspection.claims
    throw new TokenRefused('TOKEN_INACTIVE', introspection.cause.message)
  }
}

function unavailable(why: string): TokenRefused {
  return new TokenRefused('INTROSPECTION_UNAVAILABLE', why)
}
