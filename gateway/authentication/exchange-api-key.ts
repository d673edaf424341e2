/**
 * API keys: what a person gave to their programs. The gateway exchanges a key for an access token
 * (RFC 8693), which is then judged like any other. The key itself goes nowhere else, and is not kept.
 */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import { Agent } from 'undici'
import type { Clock } from './clock.ts'
import { parseJson } from './parse-json.ts'
import { readBody } from './read-body.ts'
import { tokenDigest } from './verified-tokens.ts'

export interface ApiKeyOptions {
  /** The token endpoint that exchanges them. */
  exchange: string
  /** What tells a key from an access token: its first characters. */
  prefix: string
  /** The kind of `subject_token` that the endpoint knows them as. */
  tokenType: string
  /** The longest an exchange may take, in milliseconds. */
  timeout: number
  /** How many keys are remembered, and as many refused ones. */
  entries: number
  /** How long a refused key is remembered, in milliseconds. */
  refusedFor: number
}

export type ExchangedKey =
  | {
      readonly outcome: 'granted'
      readonly accessToken: string
      /** Whether it was issued for this very request: asking again would yield the same. */
      readonly fresh: boolean
    }
  | { readonly outcome: 'refused'; readonly cause: Error }
  /** It is not the key's fault. */
  | { readonly outcome: 'unavailable'; readonly cause: Error }

export interface ApiKeys {
  /** Whether the credential is a key, good or not. */
  recognizes(credential: string): boolean
  /** Returns what the key is worth: at once, where it was exchanged before. */
  exchange(key: string): ExchangedKey | Promise<ExchangedKey>
  /** The same, for an access token that has turned out to be worth nothing any more. */
  exchangeAnew(key: string, accessToken: string): Promise<ExchangedKey>
  /** Not even a new access token for the key is accepted: for a moment nobody is asked again. */
  refuse(key: string, cause: Error): void
  close(): Promise<void>
}

export interface ApiKeyParts {
  clock: Pick<Clock, 'now'>
  log: Logger
  /** Told how each exchange ended. */
  exchanged: (outcome: ExchangedKey['outcome']) => void
}

interface Granted {
  readonly accessToken: string
  /** From when on a new one is fetched in the background. */
  readonly renewAt: number
  readonly expiresAt: number
}

/** A new token is had before the old one ends: a minute, or a quarter of a short life. */
const renewalMargin = 60_000
/** A token is not used in its last moments, on its way it would expire. */
const expiryMargin = 2_000
/** Of a token whose life the endpoint does not tell; verification knows better, and asks again. */
const untoldLifetime = 60_000
/** After a failure the endpoint is left alone for as long. */
const pauseAfterFailure = 1_000
/** A flood of unknown keys does not become one at the endpoint. */
const mostUnderWay = 128
const largestAnswer = 32 * 1024

const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
/** What the endpoint says of a key that is not good (RFC 6749 section 5.2, RFC 8693 section 2.2.2). */
const errorsOfTheKey = ['invalid_grant', 'invalid_request']

const keyForm = /^[\w.~+/-]{1,512}$/

/** Returns the exchange of API keys for access tokens. */
export function apiKeyExchange(options: ApiKeyOptions, parts: ApiKeyParts): ApiKeys {
  const { prefix, entries, refusedFor } = options
  const { clock, log } = parts
  const agent = new Agent({ connections: 8, keepAliveTimeout: 30_000 })
  const granted = new LRUCache<string, Granted>({ max: entries })
  const refused = new LRUCache<string, { cause: Error; until: number }>({ max: entries })
  const underWay = new Map<string, Promise<ExchangedKey>>()
  let failure: { readonly cause: Error; readonly until: number } | undefined

  return {
    recognizes: (credential) => credential.startsWith(prefix),
    exchange(key) {
      const digest = tokenDigest(key)
      const known = granted.get(digest)
      const now = clock.now()
      if (known && now < known.expiresAt) {
        if (now >= known.renewAt && !isFailing()) void ask(digest, key)
        return { outcome: 'granted', accessToken: known.accessToken, fresh: false }
      }
      return askUnlessRefused(digest, key)
    },
    async exchangeAnew(key, accessToken) {
      const digest = tokenDigest(key)
      const known = granted.get(digest)
      // Somebody else may have found out first.
      if (known?.accessToken === accessToken) granted.delete(digest)
      else if (known) return { outcome: 'granted', accessToken: known.accessToken, fresh: true }
      return askUnlessRefused(digest, key)
    },
    refuse: (key, cause) => remember(tokenDigest(key), { outcome: 'refused', cause }, 0),
    close: () => agent.destroy(),
  }

  function askUnlessRefused(digest: string, key: string): ExchangedKey | Promise<ExchangedKey> {
    const remembered = refused.get(digest)
    if (remembered && clock.now() < remembered.until) {
      return { outcome: 'refused', cause: remembered.cause }
    }
    if (isFailing()) return { outcome: 'unavailable', cause: failure!.cause }
    return ask(digest, key)
  }

  function isFailing(): boolean {
    return failure !== undefined && clock.now() < failure.until
  }

  /** Asks once for all who have the key; what comes of it is remembered. It never rejects. */
  function ask(digest: string, key: string): ExchangedKey | Promise<ExchangedKey> {
    const running = underWay.get(digest)
    if (running) return running
    if (!keyForm.test(key)) return { outcome: 'refused', cause: new Error('it is no API key') }
    if (underWay.size >= mostUnderWay) {
      return { outcome: 'unavailable', cause: new Error('too many exchanges under way') }
    }
    const asked = clock.now()
    const asking = request(key)
      .then(({ lifetime, ...exchanged }) => {
        parts.exchanged(exchanged.outcome)
        remember(digest, exchanged, asked + lifetime)
        return exchanged
      })
      .finally(() => underWay.delete(digest))
    underWay.set(digest, asking)
    return asking
  }

  function remember(digest: string, exchanged: ExchangedKey, expiresAt: number): void {
    const now = clock.now()
    if (exchanged.outcome === 'granted') {
      const margin = Math.min(renewalMargin, (expiresAt - now) / 4)
      const { accessToken } = exchanged
      failure = undefined
      refused.delete(digest)
      granted.set(digest, {
        accessToken,
        renewAt: expiresAt - margin,
        expiresAt: expiresAt - expiryMargin,
      })
    } else if (exchanged.outcome === 'refused') {
      granted.delete(digest)
      refused.set(digest, { cause: exchanged.cause, until: now + refusedFor })
    } else {
      const { cause } = exchanged
      if (!isFailing()) log.warn({ cause: cause.message }, 'API keys cannot be exchanged')
      failure = { cause, until: now + pauseAfterFailure }
    }
  }

  async function request(key: string): Promise<ExchangedKey & { lifetime: number }> {
    const { origin, pathname, search } = new URL(options.exchange)
    try {
      const { statusCode, body } = await agent.request({
        origin,
        path: pathname + search,
        method: 'POST',
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
        },
        body: new URLSearchParams({
          grant_type: tokenExchangeGrant,
          subject_token_type: options.tokenType,
          subject_token: key,
        }).toString(),
        signal: AbortSignal.timeout(options.timeout),
      })
      return readAnswer(statusCode, parseObject(await readBody(body, largestAnswer)))
    } catch (cause) {
      return unavailable(failureText(cause, options.timeout))
    }
  }
}

function readAnswer(
  status: number,
  answer: Readonly<Record<string, unknown>>,
): ExchangedKey & { lifetime: number } {
  const { access_token: accessToken, expires_in: expiresIn, error } = answer
  if (status === 200 && typeof accessToken === 'string') {
    const told = typeof expiresIn === 'number' && expiresIn > 0
    const lifetime = told ? expiresIn * 1_000 : untoldLifetime
    return { outcome: 'granted', accessToken, fresh: true, lifetime }
  }
  const code = typeof error === 'string' ? error : ''
  if ((status === 400 || status === 401) && errorsOfTheKey.includes(code)) {
    return { outcome: 'refused', cause: new Error(`the exchange says ${code}`), lifetime: 0 }
  }
  return unavailable(`the exchange answers ${[status, code.slice(0, 40)].join(' ').trim()}`)
}

function unavailable(why: string) {
  return { outcome: 'unavailable', cause: new Error(why), lifetime: 0 } as const
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(parseJson(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

function failureText(cause: unknown, timeout: number): string {
  const { name, code, message } = cause as NodeJS.ErrnoException
  return name === 'TimeoutError' ? `no answer within ${timeout} ms` : (code ?? message)
}
