/**
 * The keys of one issuer, kept current in the background, through all that may happen to an issuer.
 *
 *   fresh      asked again before the set gets old
 *   stale      the issuer cannot be reached: the last good set serves on, for a bounded time
 *   cold       nothing usable yet: a request with a token is answered with 503
 *
 * A key id that nobody knows makes the gateway ask at most once per cooldown, however many such tokens
 * flood in; so does a signature that is wrong under a known id.
 */
import type { Logger } from 'pino'
import { TokenRefused } from './token-refused.ts'
import type { Clock } from './clock.ts'
import type { Doubt, Sharing } from './fetch-document.ts'
import type { KeyDocument, KeySource } from './key-source.ts'
import { keepKnownKeys, readKeySet } from './read-key-set.ts'
import type { KeySet, VerificationKey } from './read-key-set.ts'

export interface KeySetOptions {
  /** How long a set is fresh at most, in milliseconds; an issuer may ask for less (Cache-Control). */
  maxAge: number
  /** How long a set serves after that while the issuer cannot be reached, in milliseconds. */
  staleFor: number
  /** The least time between two questions about unknown key ids, or wrong signatures; milliseconds. */
  cooldown: number
}

export interface RefreshingKeySetParts {
  issuer: string
  source: KeySource
  algorithms: readonly string[]
  /** Whether shared keys count: not from a set that was fetched. */
  symmetric: boolean
  clock: Clock
  log: Logger
  /** Told when a key has come or gone. */
  onChange?: () => void
}

export interface IssuerKeys {
  /** Returns the key if it is known and usable now. */
  current(keyId: string): VerificationKey | undefined
  /** Returns the key, asking the issuer if need be; rejects with KEY_UNKNOWN or KEYS_UNAVAILABLE. */
  find(keyId: string): Promise<VerificationKey>
  /** Returns another key that the issuer has under the id of that one, asking it if need be. */
  findReplacement(key: VerificationKey): Promise<VerificationKey | undefined>
  /** Whether there are keys to verify with. */
  ready(): boolean
  /** How long ago the issuer last gave its keys, in milliseconds. */
  age(): number | undefined
  /** Resolves when the first attempt to get the keys has ended, well or not. */
  readonly firstAttempt: Promise<void>
  close(): void
}

/** The shortest time for which a set counts as fresh, whatever its issuer says. */
const leastMaxAge = 10_000
/** A set is asked for again when this part of its time is over. */
const refreshPoint = 0.75
const leastBackoff = 1_000
const mostBackoff = 30_000

/** Starts to fetch the keys, without waiting for them. */
export function refreshingKeySet(options: KeySetOptions, parts: RefreshingKeySetParts): IssuerKeys {
  const { clock, log, issuer } = parts
  let known: { keys: KeySet; fetchedAt: number; usableUntil: number } | undefined
  let underWay: Promise<void> | undefined
  let failures = 0
  const lastDoubts = new Map<Doubt, number>()
  /** What is wrong with keys of the set in use: said once, not with every refresh. */
  let warned: ReadonlySet<string> = new Set()
  let callOff = () => {}
  let closed = false

  const firstAttempt = refresh()

  return {
    current,
    find,
    findReplacement,
    firstAttempt,
    ready: () => usable() !== undefined,
    age: () => known && clock.now() - known.fetchedAt,
    close() {
      closed = true
      callOff()
    },
  }

  function usable(): KeySet | undefined {
    return known && clock.now() < known.usableUntil ? known.keys : undefined
  }

  function current(keyId: string): VerificationKey | undefined {
    return usable()?.get(keyId)
  }

  async function find(keyId: string): Promise<VerificationKey> {
    const key = await askUntil('unknown key', () => current(keyId))
    if (key) return key
    if (failures > 0) throw unavailable()
    throw new TokenRefused('KEY_UNKNOWN', 'no such key in the key set')
  }

  function findReplacement(known: VerificationKey): Promise<VerificationKey | undefined> {
    return askUntil('wrong signature', () => {
      const key = current(known.keyId)
      return key === known ? undefined : key
    })
  }

  /** A response that was under way may be older than the key: then it takes one more. */
  async function askUntil(
    doubt: Doubt,
    found: () => VerificationKey | undefined,
  ): Promise<VerificationKey | undefined> {
    for (let attempts = 0; attempts < 3; attempts++) {
      const key = found()
      if (key) return key
      const attempt = underWay ?? ask(doubt)
      if (!attempt) return undefined
      await attempt
    }
    return found()
  }

  /** Asks now, unless the issuer was asked a short while ago or a retry is planned anyway. */
  function ask(doubt: Doubt): Promise<void> | undefined {
    const { cooldown } = options
    const now = clock.now()
    if (failures > 0 || now - (lastDoubts.get(doubt) ?? -Infinity) < cooldown) return undefined
    lastDoubts.set(doubt, now)
    return refresh({ cooldown, doubt })
  }

  function unavailable(): TokenRefused {
    return new TokenRefused('KEYS_UNAVAILABLE', `the keys of ${issuer} cannot be fetched`)
  }

  /** Never rejects: what went wrong is in the log, and `failures` counts it. */
  function refresh(sharing: Sharing = { youngerThan: options.maxAge / 2 }): Promise<void> {
    callOff()
    underWay ??= attempt(sharing).finally(() => (underWay = undefined))
    return underWay
  }

  async function attempt(sharing: Sharing): Promise<void> {
    try {
      const read = await parts.source(sharing)
      if (isNewer(read)) accept(read)
      if (read.failure) throw read.failure
      if (failures > 0) log.info({ issuer, failures }, 'the keys of the issuer are back')
      failures = 0
    } catch (cause) {
      // What closing breaks off is no failure of the issuer.
      if (closed) return
      failures++
      log.warn(
        { issuer, failures, cause: (cause as Error).message, serving: usable() ? 'stale' : 'none' },
        'the keys of the issuer could not be fetched',
      )
      plan(Math.min(leastBackoff * 2 ** (failures - 1), mostBackoff))
    }
  }

  /** The last good set of another process counts where it is newer than ours. */
  function isNewer({ failure, age = 0 }: KeyDocument): boolean {
    return !failure || !known || known.fetchedAt < clock.now() - age
  }

  function accept({ document, maxAge: issuerMaxAge = Infinity, age = 0 }: KeyDocument): void {
    const warnings = new Set<string>()
    const warn = (keyId: string | undefined, why: string) => {
      const warning = JSON.stringify([keyId, why])
      warnings.add(warning)
      if (!warned.has(warning))
        log.warn({ issuer, keyId, why }, 'a key of the issuer is passed over')
    }
    const keys = readKeySet(document, {
      algorithms: parts.algorithms,
      symmetric: parts.symmetric,
      warn,
    })
    warned = warnings
    const now = clock.now()
    const lifetime = Math.max(Math.min(issuerMaxAge, options.maxAge), leastMaxAge)
    const before = known?.keys
    known = {
      keys: keepKnownKeys(before, keys),
      fetchedAt: now - age,
      usableUntil: now - age + lifetime + options.staleFor,
    }
    plan(Math.max(lifetime * refreshPoint - age, 0))
    if (!isSameSet(before, known.keys)) parts.onChange?.()
  }

  function plan(delay: number): void {
    callOff()
    if (!closed) callOff = clock.after(delay, () => void refresh())
  }
}

function isSameSet(a: KeySet | undefined, b: KeySet): boolean {
  return a?.size === b.size && [...b].every(([keyId, key]) => a.get(keyId) === key)
}
