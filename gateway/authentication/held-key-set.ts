/** The newest key set of one issuer, usable for a bounded time. */
import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { KeyDocument } from './key-source.ts'
import { keepKnownKeys, readKeySet } from './read-key-set.ts'
import type { KeySet } from './read-key-set.ts'

export interface KeyLifetimes {
  /** How long a set is fresh at most, in milliseconds; an issuer may say less (Cache-Control). */
  maxAge: number
  /** How long a set is used after that while the issuer cannot be reached, in milliseconds. */
  staleFor: number
}

export interface HeldKeySetParts {
  issuer: string
  algorithms: readonly string[]
  /** Whether shared keys are accepted: not from a set that was fetched. */
  symmetric: boolean
  /** Whether a key without an id is passed over. */
  keyIdRequired: boolean
  clock: Clock
  log: Logger
}

/** The shortest time for which a set is fresh, whatever its issuer says. */
const leastMaxAge = 10_000
/** A set is requested again when this part of its time is over. */
const refreshPoint = 0.75

/** Returns the key set, without keys at first. */
export function heldKeySet(options: KeyLifetimes, parts: HeldKeySetParts) {
  const { issuer, algorithms, symmetric, keyIdRequired, clock, log } = parts
  let held: { keys: KeySet; fetchedAt: number; usableUntil: number } | undefined
  /** The warnings about keys of the set in use: logged once, not with every refresh. */
  let warned: ReadonlySet<string> = new Set()

  return {
    /** Returns the keys that are usable now, if any. */
    usable: () => (held && clock.now() < held.usableUntil ? held.keys : undefined),
    /** Returns how long ago the issuer last gave its keys, in milliseconds. */
    age: () => held && clock.now() - held.fetchedAt,
    /** Takes the keys of the document; undefined: ours are newer. It throws where there are none. */
    take(document: KeyDocument) {
      const { maxAge: issuerMaxAge = Infinity, age = 0 } = document
      if (!isNewer(document)) return undefined
      const keys = read(document)
      const before = held?.keys
      const fetchedAt = clock.now() - age
      const lifetime = Math.max(Math.min(issuerMaxAge, options.maxAge), leastMaxAge)
      const usableUntil = fetchedAt + lifetime + options.staleFor
      held = { keys: keepKnownKeys(before, keys), fetchedAt, usableUntil }
      return {
        /** Whether a key was added or removed. */
        changed: !isSameSet(before, held.keys),
        /** When the next one is due, in milliseconds from now. */
        refreshIn: Math.max(lifetime * refreshPoint - age, 0),
      }
    },
  }

  /** The last good set of another process is used if it is newer than ours. */
  function isNewer({ failure, age = 0 }: KeyDocument): boolean {
    return !failure || !held || held.fetchedAt < clock.now() - age
  }

  function read({ document }: KeyDocument): KeySet {
    const warnings = new Set<string>()
    const warn = (keyId: string | undefined, why: string) => {
      const warning = JSON.stringify([keyId, why])
      warnings.add(warning)
      if (!warned.has(warning)) {
        log.warn({ issuer, keyId, why }, 'a key of the issuer is passed over')
      }
    }
    const keys = readKeySet(document, { algorithms, symmetric, keyIdRequired, warn })
    warned = warnings
    return keys
  }
}

function isSameSet(a: KeySet | undefined, b: KeySet): boolean {
  return a?.size === b.size && [...b].every(([keyId, key]) => a.get(keyId) === key)
}
