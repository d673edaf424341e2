/**
 * The keys of one issuer, refreshed in the background, whatever happens to the issuer.
 *
 *   fresh      requested again before the set gets old
 *   stale      the issuer cannot be reached: the last good set is used, for a bounded time
 *   cold       nothing usable yet: a request with a token gets a 503 response
 *
 * An unknown key id makes the gateway request the keys at most once per cooldown, however many such
 * tokens arrive; so does a signature that is wrong under a known id.
 */
import { TokenRefused } from './token-refused.ts'
import type { Doubt, Sharing } from './fetch-document.ts'
import { heldKeySet } from './held-key-set.ts'
import type { HeldKeySetParts, KeyLifetimes } from './held-key-set.ts'
import type { KeySource } from './key-source.ts'
import { keyNamed } from './read-key-set.ts'
import type { KeyName, VerificationKey } from './read-key-set.ts'

export interface KeySetOptions extends KeyLifetimes {
  /**
   * The least time between two requests for unknown key ids, or for wrong signatures; milliseconds.
   */
  cooldown: number
}

export interface RefreshingKeySetParts extends HeldKeySetParts {
  source: KeySource
  /** Called when a key was added or removed. */
  onChange?: () => void
}

/** The keys of one issuer. */
export type IssuerKeys = ReturnType<typeof refreshingKeySet>

const leastBackoff = 1_000
const mostBackoff = 30_000

/** Starts to fetch the keys, without waiting for them. */
export function refreshingKeySet(options: KeySetOptions, parts: RefreshingKeySetParts) {
  const { clock, log, issuer } = parts
  const held = heldKeySet(options, parts)
  const lastDoubts = new Map<Doubt, number>()
  let inProgress: Promise<void> | undefined
  let failures = 0
  let cancelPlanned = () => {}
  let closed = false

  const firstAttempt = refresh()

  return {
    current,
    named,
    find,
    findReplacement,
    /** Resolves when the first attempt to get the keys has ended, with success or without. */
    firstAttempt,
    /** Returns whether there are keys to verify with. */
    ready: () => held.usable() !== undefined,
    /** Returns how long ago the issuer last gave its keys, in milliseconds. */
    age: held.age,
    close(): void {
      closed = true
      cancelPlanned()
    },
  }

  /** Returns the key if it is known and usable now. */
  function current(keyId: string): VerificationKey | undefined {
    return held.usable()?.get(keyId)
  }

  /** Returns the key that a token names, if it is known and usable now. */
  function named(name: KeyName): VerificationKey | undefined {
    const keys = held.usable()
    return keys && keyNamed(name, keys)
  }

  async function find(name: KeyName): Promise<VerificationKey> {
    const key = await refreshUntil('unknown key', () => named(name))
    if (key) return key
    if (failures === 0) {
      const unnamed =
        'the header names no key, and not exactly one key of the set is for its algorithm'
      const why = name.keyId === undefined ? unnamed : 'no such key in the key set'
      throw new TokenRefused('KEY_UNKNOWN', why)
    }
    throw new TokenRefused('KEYS_UNAVAILABLE', `the keys of ${issuer} cannot be fetched`)
  }

  function findReplacement(
    known: VerificationKey,
    name: KeyName,
  ): Promise<VerificationKey | undefined> {
    return refreshUntil('wrong signature', () => {
      const key = named(name)
      return key === known ? undefined : key
    })
  }

  /** A response that was in progress may be older than the key: then it takes one more. */
  async function refreshUntil(
    doubt: Doubt,
    found: () => VerificationKey | undefined,
  ): Promise<VerificationKey | undefined> {
    for (let attempts = 0; attempts < 3; attempts++) {
      const key = found()
      if (key) return key
      const attempt = inProgress ?? refreshForDoubt(doubt)
      if (!attempt) return undefined
      await attempt
    }
    return found()
  }

  /** Returns undefined during the cooldown, or where a retry is planned anyway. */
  function refreshForDoubt(doubt: Doubt): Promise<void> | undefined {
    const { cooldown } = options
    const now = clock.now()
    if (failures > 0 || now - (lastDoubts.get(doubt) ?? -Infinity) < cooldown) return undefined
    lastDoubts.set(doubt, now)
    return refresh({ cooldown, doubt })
  }

  /** It never rejects: the log says what went wrong, and `failures` counts it. */
  function refresh(sharing: Sharing = { youngerThan: options.maxAge / 2 }): Promise<void> {
    cancelPlanned()
    inProgress ??= attempt(sharing).finally(() => (inProgress = undefined))
    return inProgress
  }

  async function attempt(sharing: Sharing): Promise<void> {
    try {
      const document = await parts.source(sharing)
      const taken = held.take(document)
      if (taken) {
        plan(taken.refreshIn)
        if (taken.changed) parts.onChange?.()
      }
      if (document.failure) throw document.failure
      if (failures > 0) log.info({ issuer, failures }, 'the keys of the issuer are back')
      failures = 0
    } catch (cause) {
      // An attempt that closing has cancelled is no failure of the issuer.
      if (closed) return
      failures++
      logFailure(cause as Error)
      plan(Math.min(leastBackoff * 2 ** (failures - 1), mostBackoff))
    }
  }

  function logFailure({ message: cause }: Error): void {
    const serving = held.usable() ? 'stale' : 'none'
    log.warn({ issuer, failures, cause, serving }, 'the keys of the issuer could not be fetched')
  }

  function plan(delay: number): void {
    cancelPlanned()
    if (!closed) cancelPlanned = clock.after(delay, () => void refresh())
  }
}
