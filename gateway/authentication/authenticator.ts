/** Authentication identifies the caller of each request. Only this stage reads access tokens. */
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller, Span } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { attempt, judgeAttempt } from './attempt.ts'
import type { BeginAttempt } from './attempt.ts'
import type { Authenticate } from './authenticate.ts'
import { askedAgain } from './ask-again.ts'
import { checkAgain } from './check-again.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { apiKeyExchange } from './exchange-api-key.ts'
import type { ApiKeyOptions } from './exchange-api-key.ts'
import { explainToken } from './explain-token.ts'
import type { TokenExplanation } from './explain-token.ts'
import { documentFetcher } from './fetch-document.ts'
import type { DocumentSource } from './fetch-document.ts'
import { tokenFinder } from './find-token.ts'
import type { FindTokenOptions } from './find-token.ts'
import type { IssuerOptions } from './issuer.ts'
import { issuerWarnings } from './issuer-warnings.ts'
import { judgeAccessToken } from './judge-access-token.ts'
import { judgeApiKey, refusedExchange } from './judge-api-key.ts'
import { andThen } from './judgement.ts'
import type { Accepted, Judgement, NowOrLater, Refused } from './judgement.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import type { ClaimRules } from './select-claims.ts'
import { trustedIssuers } from './trusted-issuers.ts'
import { isCurrent, verifiedTokens } from './verified-tokens.ts'
import type { VerifiedTokensOptions } from './verified-tokens.ts'

export interface AuthenticatorOptions extends FindTokenOptions {
  /** Whether an anonymous request is refused. */
  require: boolean
  issuers: readonly IssuerOptions[]
  /** `anonymous`: a token that is not valid is ignored. */
  onInvalid: 'refuse' | 'anonymous'
  /** Undefined: each token is verified each time. */
  cache: VerifiedTokensOptions | undefined
  /** Undefined: an API key is refused as a malformed access token. */
  apiKeys?: ApiKeyOptions | undefined
}

export interface AuthenticatorParts {
  claims: ClaimRules
  log: Logger
  metrics: AuthenticationMetrics
  clock?: Clock
  /** Whether callers have their access token, for subgraphs that get it; default false. */
  keepsTokens?: boolean
  /** Sends the requests of introspection; default: a new agent per issuer. */
  dispatcher?: Dispatcher | undefined
  /** Fetches the documents of the issuers; default: a new fetcher. */
  documents?: DocumentSource
  /** Limits how many authentications from one network may fail; undefined: any number. */
  beginAttempt?: BeginAttempt | undefined
}

export interface Authenticator {
  readonly authenticate: Authenticate
  /**
   * Returns why a caller would be refused by now: its access token has expired or been revoked, or its key has
   * gone. Undefined while it is admitted; an anonymous caller always is.
   */
  recheck(caller: Caller): NowOrLater<GatewayError | undefined>
  /** Returns whether a caller has another access token of the login of an earlier one: subject and `sid` are the same. */
  isSameLogin(earlier: Caller, later: Caller): boolean
  /**
   * Returns every check of an access token, or of the one that an API key is exchanged for; the reason if there is
   * none for the key, or if too many credentials from that address have failed.
   */
  explain(credential: string, address: string): Promise<TokenExplanation | Refused>
  /** Returns why the tokens of a required issuer cannot be verified, in words; empty when all can. */
  unreadiness(): readonly string[]
  /** Resolves when the first attempt to fetch each document has ended, with success or without. */
  readonly warm: Promise<void>
  close(): Promise<void>
}

function errorOf(judgement: Judgement): GatewayError | undefined {
  if (judgement.outcome === 'accepted') return undefined
  return new GatewayError(judgement.reason, { cause: judgement.cause })
}

/** What is remembered of a token is without its text. */
function withToken(judgement: Judgement, text: string): Judgement {
  if (judgement.outcome === 'refused') return judgement
  return { ...judgement, caller: { ...judgement.caller, accessToken: text } }
}

/** Returns why a credential is refused; undefined if it is not. */
function reasonIn(explained: TokenExplanation | Refused): ErrorName | undefined {
  if ('outcome' in explained) return explained.reason
  return explained.decision === 'accepted' ? undefined : explained.decision
}

const anonymous: Caller = Object.freeze({ claims: null })

/**
 * Returns the authenticator; it starts to fetch the documents of the issuers, without waiting for them.
 */
export function authenticator(
  options: AuthenticatorOptions,
  parts: AuthenticatorParts,
): Authenticator {
  const { claims, keepsTokens, log, clock = systemClock, metrics, dispatcher, beginAttempt } = parts
  const { fetch, close } = parts.documents ?? documentFetcher()
  const onKeysChanged = () => tokens.forgetRefusals()
  const issuers = trustedIssuers(options.issuers, {
    ...{ claims, fetch, clock, log, dispatcher, onKeysChanged },
    introspected: metrics.introspected,
  })
  /** By the claims of their callers: those that live as long as an open connection. */
  const accepted = new WeakMap<Claims, Accepted>()
  /** The tokens that their issuer is asked about again while a connection is open. */
  const introspected = new WeakMap<Claims, string>()
  const tokens = verifiedTokens(options.cache, {
    async judge(text) {
      const judgement = await judgeAccessToken(text, issuers, metrics)
      if (judgement.outcome === 'refused') return judgement
      const { claims } = judgement.caller
      accepted.set(claims!, judgement)
      if (!judgement.key) introspected.set(claims!, text)
      return judgement
    },
    now: clock.now,
    metrics,
    beginAttempt,
  })
  const apiKeys =
    options.apiKeys && apiKeyExchange(options.apiKeys, { clock, log, exchanged: metrics.exchanged })
  const findToken = tokenFinder(options)
  for (const { issuers, message } of issuerWarnings(options.issuers, claims)) {
    log.warn({ issuers }, message)
  }
  metrics.observe(issuers)

  return {
    authenticate(headers, requestId, span, address) {
      const found = findToken(headers)
      if (found.outcome === 'none') return withoutToken(requestId, span)
      if (found.outcome === 'refused') throw refusal(found, requestId, span)
      const judgement = judge(found.token, span, address)
      if (!(judgement instanceof Promise)) return conclude(judgement, requestId, span)
      return judgement.then((later) => conclude(later, requestId, span))
    },
    recheck({ claims }) {
      const judgement = claims ? accepted.get(claims) : undefined
      if (!claims || !judgement) return undefined
      if (isCurrent(judgement, clock.now)) return andThen(checkNow(judgement), errorOf)
      const text = introspected.get(claims)
      if (text === undefined) return new GatewayError('KEY_UNKNOWN')
      return andThen(judgeToken(text, undefined), (later) => {
        const renewed = askedAgain(judgement, later, clock.now())
        if (renewed.outcome === 'accepted') accepted.set(claims, renewed)
        return andThen(checkNow(renewed), errorOf)
      })
    },
    isSameLogin(earlier, later) {
      if (earlier.issuer !== later.issuer || earlier.claims?.sub !== later.claims?.sub) return false
      const sessionOf = ({ claims }: Caller) => claims && accepted.get(claims)?.sessionId
      const session = sessionOf(earlier)
      return session === undefined || session === sessionOf(later)
    },
    explain(credential, address) {
      if (!beginAttempt) return explain(credential)
      return attempt(beginAttempt, address, () => explain(credential), reasonIn)
    },
    unreadiness: issuers.unreadiness,
    warm: issuers.firstAttempt,
    async close() {
      await Promise.all([issuers.close(), close(), apiKeys?.close()])
    },
  }

  async function explain(credential: string): Promise<TokenExplanation | Refused> {
    if (!apiKeys?.recognizes(credential)) return explainToken(credential, { issuers, clock })
    const exchanged = await apiKeys.exchange(credential)
    if (exchanged.outcome !== 'granted') return refusedExchange(exchanged)
    return explainToken(exchanged.accessToken, { issuers, clock })
  }

  function judge(
    credential: string,
    span: Span | undefined,
    address: string | undefined,
  ): NowOrLater<Judgement> {
    if (!apiKeys?.recognizes(credential)) return judgeToken(credential, span, address)
    const judgeKey = (address?: string) => {
      const judgeAccessToken = (text: string) => judgeToken(text, span, address)
      return judgeApiKey(credential, { apiKeys, judgeAccessToken })
    }
    if (!beginAttempt || address === undefined || apiKeys.isKnown(credential)) {
      return judgeKey(address)
    }
    return judgeAttempt(beginAttempt, address, judgeKey)
  }

  /** @param address where it comes from; undefined: its failure is not counted */
  function judgeToken(
    text: string,
    span: Span | undefined,
    address?: string,
  ): NowOrLater<Judgement> {
    const judgement = andThen(tokens.judge(text, span, address), checkNow)
    return keepsTokens ? andThen(judgement, (judged) => withToken(judged, text)) : judgement
  }

  function checkNow(judgement: Judgement): NowOrLater<Judgement> {
    return checkAgain(judgement, clock.now())
  }

  function conclude(
    judgement: Judgement,
    requestId: string | undefined,
    span: Span | undefined,
  ): Caller {
    if (judgement.outcome === 'accepted') {
      note(judgement.issuer.name, 'accepted', span)
      return judgement.caller
    }
    const error = refusal(judgement, requestId, span)
    const isIgnored = options.onInvalid === 'anonymous' && error.row.status === 401
    if (isIgnored && !options.require) return anonymous
    throw error
  }

  function withoutToken(requestId: string | undefined, span: Span | undefined): Caller {
    if (options.require) throw refusal({ reason: 'TOKEN_MISSING' }, requestId, span)
    note('', 'anonymous', span)
    return anonymous
  }

  /** Returns the error, having counted and logged it. */
  function refusal(
    { reason, cause, description, retryAfter }: Omit<Refused, 'outcome'>,
    requestId: string | undefined,
    span: Span | undefined,
  ): GatewayError {
    note(description?.issuer ?? '', reason, span)
    // Nothing has been judged then: an attacker does not fill the log.
    if (retryAfter === undefined) {
      log.info(
        { requestId, reason, cause: (cause as Error | undefined)?.message, ...description },
        'request refused',
      )
    }
    return new GatewayError(reason, { cause, retryAfter })
  }

  /** Counts the outcome, which the span of a traced request has as well: `accepted`, `anonymous`, or a reason. */
  function note(issuer: string, outcome: string, span: Span | undefined): void {
    metrics.judged(issuer, outcome)
    if (!span) return
    span.set('portcullis.authentication.outcome', outcome)
    if (issuer !== '') span.set('portcullis.issuer', issuer)
  }
}
