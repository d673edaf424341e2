/**
 * API keys, which users create for their programs. The gateway exchanges a key for an access token
 * (RFC 8693), which is then judged like any other. The key itself goes nowhere else and is not kept.
 */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { Agent } from 'undici'
import type { Clock } from './clock.ts'
import type { NowOrLater } from './judgement.ts'
import { requestTokenExchange } from './request-token-exchange.ts'
import type { TokenExchange, TokenExchangeOptions } from './request-token-exchange.ts'
import { tokenDigest } from './verified-tokens.ts'

export interface ApiKeyOptions extends TokenExchangeOptions {
  /** The first characters of each key, which distinguish it from an access token. */
  prefix: string
  /** How many keys are remembered, and as many refused ones. */
  entries: number
  /** How long a refused key is remembered, in milliseconds. */
  refusedFor: number
}

export type ExchangedKey =
  | {
      readonly outcome: 'granted'
      readonly accessToken: string
      /** Whether it was issued for this very request: another request would yield the same. */
      readonly fresh: boolean
    }
  | Exclude<TokenExchange, { outcome: 'granted' }>

/** The exchange of API keys. */
export type ApiKeys = ReturnType<typeof apiKeyExchange>

export interface ApiKeyParts {
  clock: Pick<Clock, 'now'>
  log: Logger
  /** Called with the outcome of each exchange. */
  exchanged: (outcome: ExchangedKey['outcome']) => void
}

interface Granted {
  readonly accessToken: string
  /** When a new one is fetched in the background. */
  readonly renewAt: number
  readonly expiresAt: number
}

interface Failure {
  readonly cause: Error
  readonly until: number
}

/** A new token is fetched before the old one ends: a minute, or a quarter of a short life. */
const renewalMargin = 60_000
/** A token is not used in its last moments: it would expire on its way. */
const expiryMargin = 2_000
/** How long the endpoint gets no requests after a failure. */
const pauseAfterFailure = 1_000
/** The most exchanges at a time: a flood of unknown keys does not become one at the endpoint. */
const mostInProgress = 128

const keyForm = /^[\w.~+/-]{1,512}$/

/** Returns the exchange of API keys for access tokens. */
export function apiKeyExchange(options: ApiKeyOptions, parts: ApiKeyParts) {
  const { prefix, entries } = options
  const { clock, log } = parts
  const agent = new Agent({ connections: 8, keepAliveTimeout: 30_000 })
  const granted = new LRUCache<string, Granted>({ max: entries })
  const refused = new LRUCache<string, Failure>({ max: entries })
  const inProgress = new Map<string, Promise<ExchangedKey>>()
  /** Of the endpoint, whichever the key. */
  let failure: Failure | undefined

  return {
    /** Returns whether the credential is a key, good or not. */
    recognizes: (credential: string) => credential.startsWith(prefix),
    /** Returns whether there is an access token for the key. */
    isKnown(key: string): boolean {
      const known = granted.get(tokenDigest(key))
      return known !== undefined && clock.now() < known.expiresAt
    },
    /** Returns the result of the exchange, synchronously if it is remembered. */
    exchange(key: string): NowOrLater<ExchangedKey> {
      const digest = tokenDigest(key)
      const known = granted.get(digest)
      const now = clock.now()
      if (known && now < known.expiresAt) {
        if (now >= known.renewAt && !lasts(failure)) void requestOnce(digest, key)
        return { outcome: 'granted', accessToken: known.accessToken, fresh: false }
      }
      return requestUnlessRefused(digest, key)
    },
    /** Returns the result of a new exchange, after the access token of the last one was refused. */
    async exchangeAnew(key: string, accessToken: string): Promise<ExchangedKey> {
      const digest = tokenDigest(key)
      const known = granted.get(digest)
      // Another request may have renewed it already.
      if (known?.accessToken === accessToken) granted.delete(digest)
      else if (known) return { outcome: 'granted', accessToken: known.accessToken, fresh: true }
      return requestUnlessRefused(digest, key)
    },
    /** Refuses the key for a moment: not even a new access token for it is accepted. */
    refuse: (key: string, cause: Error) => rememberRefused(tokenDigest(key), cause),
    close: () => agent.destroy(),
  }

  function requestUnlessRefused(digest: string, key: string): NowOrLater<ExchangedKey> {
    const refusal = refused.get(digest)
    if (lasts(refusal)) return { outcome: 'refused', cause: refusal.cause }
    if (lasts(failure)) return { outcome: 'unavailable', cause: failure.cause }
    return requestOnce(digest, key)
  }

  function lasts(failure: Failure | undefined): failure is Failure {
    return failure !== undefined && clock.now() < failure.until
  }

  /** Concurrent requests with the same key share the exchange. It never rejects. */
  function requestOnce(digest: string, key: string): NowOrLater<ExchangedKey> {
    const running = inProgress.get(digest)
    if (running) return running
    if (!keyForm.test(key)) return { outcome: 'refused', cause: new Error('it is no API key') }
    if (inProgress.size >= mostInProgress) {
      return { outcome: 'unavailable', cause: new Error('too many exchanges in progress') }
    }
    const request = requestAndRemember(digest, key).finally(() => inProgress.delete(digest))
    inProgress.set(digest, request)
    return request
  }

  async function requestAndRemember(digest: string, key: string): Promise<ExchangedKey> {
    const requestedAt = clock.now()
    const exchange = await requestTokenExchange(key, options, agent)
    parts.exchanged(exchange.outcome)
    if (exchange.outcome === 'granted') {
      const { accessToken, lifetime } = exchange
      rememberGranted(digest, accessToken, requestedAt + lifetime)
      return { outcome: 'granted', accessToken, fresh: true }
    }
    if (exchange.outcome === 'refused') rememberRefused(digest, exchange.cause)
    else rememberFailure(exchange.cause)
    return exchange
  }

  function rememberGranted(digest: string, accessToken: string, expiresAt: number): void {
    const margin = Math.min(renewalMargin, (expiresAt - clock.now()) / 4)
    failure = undefined
    refused.delete(digest)
    granted.set(digest, {
      accessToken,
      renewAt: expiresAt - margin,
      expiresAt: expiresAt - expiryMargin,
    })
  }

  function rememberRefused(digest: string, cause: Error): void {
    granted.delete(digest)
    refused.set(digest, { cause, until: clock.now() + options.refusedFor })
  }

  function rememberFailure(cause: Error): void {
    if (!lasts(failure)) log.warn({ cause: cause.message }, 'API keys cannot be exchanged')
    failure = { cause, until: clock.now() + pauseAfterFailure }
  }
}
