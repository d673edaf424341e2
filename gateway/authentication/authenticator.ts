/** Authentication: answers for every request who is calling. The only place that looks at a token. */
import type { Logger } from 'pino'
import { errorTable, GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { Authenticate, Caller } from './authenticate.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { apiKeyExchange } from './exchange-api-key.ts'
import type { ApiKeyOptions, ApiKeys, ExchangedKey } from './exchange-api-key.ts'
import { documentFetcher } from './fetch-document.ts'
import type { DocumentSource } from './fetch-document.ts'
import { tokenFinder } from './find-token.ts'
import type { TokenSource } from './find-token.ts'
import { createIssuer, issuerOf } from './issuer.ts'
import type { Issuer, IssuerOptions } from './issuer.ts'
import { issuerWarnings } from './issuer-warnings.ts'
import { noMetrics } from './metrics.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import type { VerificationKey } from './read-key-set.ts'
import type { RevocableToken } from './revocation/issuer-revocation.ts'
import type { ClaimRules } from './select-claims.ts'
import { tokenDigest, verifiedTokens } from './verified-tokens.ts'
import type { Judgement, VerifiedTokensOptions } from './verified-tokens.ts'

export interface AuthenticatorOptions {
  /** Whether an anonymous request is refused. */
  require: boolean
  issuers: readonly IssuerOptions[]
  /** Where a token may stand, in order: the first that is present counts. */
  sources: readonly TokenSource[]
  /** What an Authorization header with another scheme means. */
  otherSchemes: 'refuse' | 'anonymous'
  /** `anonymous`: a token that is not valid is ignored, as if it were not there. */
  onInvalid: 'refuse' | 'anonymous'
  /** Undefined: every token is verified each time. */
  cache: VerifiedTokensOptions | undefined
  /** Undefined: an API key is nothing but a malformed access token. */
  apiKeys?: ApiKeyOptions | undefined
}

export interface AuthenticatorParts {
  claims: ClaimRules
  log: Logger
  metrics?: AuthenticationMetrics
  clock?: Clock
  /** Fetches what the issuers publish; left out: by itself. */
  documents?: DocumentSource
}

export interface Authenticator {
  readonly authenticate: Authenticate
  /** Whether the tokens of every required issuer can be verified. */
  ready(): boolean
  /** Why not, in words. */
  unreadiness(): readonly string[]
  /** Resolves when the first attempt to fetch each document has ended, well or not. */
  readonly warm: Promise<void>
  close(): Promise<void>
}

/** A verified token, as it is remembered: all that can change about it later is asked at each use. */
interface Accepted {
  readonly caller: Caller
  readonly issuer: Issuer
  readonly key: VerificationKey
  /** From when on it is refused, by our clock, in milliseconds. */
  readonly expiresAt: number
  readonly tooOldAt: number
  /** Undefined where the issuer publishes no revocations. */
  readonly revocable: RevocableToken | undefined
  readonly description: TokenDescription
}

interface Refused {
  readonly reason: ErrorName
  readonly cause?: unknown
  readonly description?: TokenDescription
}

type Refuse = (refusal: Refused) => Caller | Promise<Caller>

/** What the log may say about a token. */
interface TokenDescription {
  readonly issuer: string
  readonly jti: string | undefined
  readonly sub: string | undefined
}

const anonymous: Caller = Object.freeze({ claims: null, carriedToken: false })
const anonymousDespiteToken: Caller = Object.freeze({ claims: null, carriedToken: true })

/** Returns the authenticator; it starts to fetch what the issuers publish, without waiting for it. */
export function authenticator(
  options: AuthenticatorOptions,
  parts: AuthenticatorParts,
): Authenticator {
  const { claims, log, clock = systemClock, metrics = noMetrics } = parts
  const { fetch, close } = parts.documents ?? documentFetcher()
  const known = options.cache && verifiedTokens<Accepted, Refused>(options.cache, clock.now)
  const onKeysChanged = () => known?.forgetRefusals()
  const issuers = new Map(
    options.issuers.map((issuer) => [
      issuer.issuer,
      createIssuer(issuer, { claims, fetch, clock, log, onKeysChanged }),
    ]),
  )
  const all = [...issuers.values()]
  const findToken = tokenFinder(options)
  const apiKeys =
    options.apiKeys && apiKeyExchange(options.apiKeys, { clock, log, exchanged: metrics.exchanged })
  for (const { issuers, message } of issuerWarnings(options.issuers, claims)) {
    log.warn({ issuers }, message)
  }
  metrics.observe({
    keySets: () => all.map(({ name, keys }) => ({ issuer: name, age: keys.age() })),
    revocation: () =>
      all.flatMap(({ name, revocation }) =>
        (revocation?.documents() ?? []).map((document) => ({ issuer: name, ...document })),
      ),
  })

  return {
    authenticate(headers) {
      const text = findTokenOrRefuse(headers)
      if (text !== undefined) {
        return apiKeys?.recognizes(text) ? callerOfKey(text, apiKeys) : callerOf(text)
      }
      if (options.require) throw refused({ reason: 'TOKEN_MISSING' })
      metrics.judged('', 'anonymous')
      return anonymous
    },
    ready: () => unreadiness().length === 0,
    unreadiness,
    warm: Promise.all(
      all.flatMap(({ keys, revocation }) => [keys.firstAttempt, revocation?.firstAttempt]),
    ).then(() => {}),
    async close() {
      for (const { keys, revocation } of all) {
        keys.close()
        revocation?.close()
      }
      await Promise.all([close(), apiKeys?.close()])
    },
  }

  function unreadiness(): string[] {
    const required = all.filter(({ options }) => options.required !== false)
    const withoutKeys = required.filter(({ keys }) => !keys.ready())
    const missing = required.flatMap(({ revocation }) => revocation?.missing() ?? [])
    return [
      ...withoutKeys.map(({ name }) => `no usable keys of ${name}`),
      ...missing.map((uri) => `nothing usable from ${uri}`),
    ]
  }

  function findTokenOrRefuse(headers: Parameters<Authenticate>[0]): string | undefined {
    try {
      return findToken(headers)
    } catch (error) {
      if (error instanceof GatewayError) throw refused(error)
      throw error
    }
  }

  /** The caller whose key it is: the one whom the access token names that it is exchanged for. */
  function callerOfKey(key: string, apiKeys: ApiKeys): Caller | Promise<Caller> {
    const exchanged = apiKeys.exchange(key)
    return exchanged instanceof Promise ? exchanged.then(ofExchanged) : ofExchanged(exchanged)

    function ofExchanged(exchanged: ExchangedKey): Caller | Promise<Caller> {
      if (exchanged.outcome === 'unavailable') {
        return despite({ reason: 'API_KEYS_UNAVAILABLE', cause: exchanged.cause })
      }
      if (exchanged.outcome === 'refused') {
        return despite({ reason: 'API_KEY_REFUSED', cause: exchanged.cause })
      }
      const { accessToken, fresh } = exchanged
      return callerOf(accessToken, (refusal) => {
        const { accessToken: columns } = errorTable[refusal.reason]
        if (columns === 'not concerned' || !columns.renewed) return despite(refusal)
        if (!fresh) return apiKeys.exchangeAnew(key, accessToken).then(ofExchanged)
        const cause = new Error(`a new access token for it: ${refusal.reason}`)
        apiKeys.refuse(key, cause)
        return despite({ ...refusal, reason: 'API_KEY_REFUSED', cause })
      })
    }
  }

  /** @param refuse what becomes of a caller whose token is not accepted */
  function callerOf(text: string, refuse: Refuse = despite): Caller | Promise<Caller> {
    if (!known) return judge(text).then((judgement) => conclude(judgement, refuse))
    const digest = tokenDigest(text)
    const accepted = known.accepted(digest)
    // With its key gone from the key set, a token is a stranger again.
    if (accepted && accepted.issuer.keys.current(accepted.key.keyId) === accepted.key) {
      metrics.cache('hit')
      return admit(accepted, refuse)
    }
    const refusedBefore = known.refused(digest)
    if (refusedBefore) {
      metrics.cache('refused')
      return refuse(refusedBefore)
    }
    let shared = true
    const judged = known.judge(digest, () => {
      shared = false
      return judge(text)
    })
    metrics.cache(shared ? 'shared' : 'miss')
    return judged.then((judgement) => conclude(judgement, refuse))
  }

  function conclude(
    { outcome, entry }: Judgement<Accepted, Refused>,
    refuse: Refuse,
  ): Caller | Promise<Caller> {
    return outcome === 'accepted' ? admit(entry, refuse) : refuse(entry)
  }

  /** The whole judgement of a token that is not remembered. */
  async function judge(text: string): Promise<Judgement<Accepted, Refused>> {
    let token: UnverifiedToken | undefined
    try {
      token = readToken(text)
      const issuer = issuerOf(token.payload, issuers)
      const started = performance.now()
      const { claims, key } = await issuer.verify(token)
      metrics.verified(token.algorithm, (performance.now() - started) / 1_000)
      const { clockTolerance, maxTokenAge } = issuer.options
      const entry: Accepted = {
        caller: Object.freeze({
          ...issuer.select(claims),
          expiresAt: claims.exp,
          issuer: issuer.name,
          carriedToken: true,
        }),
        issuer,
        key,
        expiresAt: claims.exp * 1_000 + clockTolerance,
        tooOldAt: claims.iat * 1_000 + maxTokenAge + clockTolerance,
        revocable: issuer.revocation?.revocable(claims, key.keyId),
        description: describe(token),
      }
      return { outcome: 'accepted', entry }
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      const { reason, cause } = error
      const { accessToken } = error.row
      const lasting = accessToken !== 'not concerned' && accessToken.remembered
      return { outcome: 'refused', entry: { reason, cause, description: describe(token) }, lasting }
    }
  }

  /** Asks what can have changed since a token was verified: the time, and revocation. */
  function admit(entry: Accepted, refuse: Refuse): Caller | Promise<Caller> {
    const { description } = entry
    const now = clock.now()
    if (now >= entry.expiresAt) return refuse({ reason: 'TOKEN_EXPIRED', description })
    if (now > entry.tooOldAt) return refuse({ reason: 'TOKEN_TOO_OLD', description })
    try {
      const pending = entry.revocable && entry.issuer.revocation?.refuseRevoked(entry.revocable)
      if (!pending) return admitted(entry)
      return pending.then(
        () => admitted(entry),
        (error) => refuse(revoked(entry, error)),
      )
    } catch (error) {
      return refuse(revoked(entry, error))
    }
  }

  function admitted({ issuer, caller }: Accepted): Caller {
    metrics.judged(issuer.name, 'accepted')
    return caller
  }

  function revoked({ description }: Accepted, error: unknown): Refused {
    if (!(error instanceof GatewayError)) throw error
    return { reason: error.reason, cause: error.cause, description }
  }

  /** The end for a token that is not accepted. */
  function despite(refusal: Refused): Caller {
    const error = refused(refusal)
    const ignored = options.onInvalid === 'anonymous' && error.row.status === 401
    if (ignored && !options.require) return anonymousDespiteToken
    throw error
  }

  function refused({ reason, cause, description }: Refused): GatewayError {
    metrics.judged(description?.issuer ?? '', reason)
    log.info(
      { reason, cause: (cause as Error | undefined)?.message, ...description },
      'request refused',
    )
    return new GatewayError(reason, { cause })
  }

  /** A token may name any issuer: only those that are configured are counted by name. */
  function describe(token: UnverifiedToken | undefined): TokenDescription {
    const { iss, jti, sub } = token?.payload ?? {}
    const issuer = typeof iss === 'string' && issuers.has(iss) ? iss : ''
    return { issuer, jti: shortened(jti), sub: shortened(sub) }
  }
}

/** What a token says of itself goes to the log only in part: it may be any text of any length. */
function shortened(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 100) : undefined
}
