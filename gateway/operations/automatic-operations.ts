/** Automatic persisted queries: clients register the texts that they send, under their SHA-256. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Caller } from '../client-request.ts'

export interface AutomaticOptions {
  /** How much memory the texts may take, in bytes; beyond that, those used least recently are forgotten. */
  readonly memory: number
  /** How long a text is kept that is not used, in milliseconds. */
  readonly ttl: number
  readonly registeredBy: 'anyone' | 'authenticated'
  /** Called with each text that has been registered, the first time. */
  readonly onRegistered?: ((hash: string, text: string) => void) | undefined
}

export interface AutomaticOperations {
  /** Returns the text with that hash, if it has been registered. */
  textOf(hash: string): string | undefined
  /** Registers a text whose hash has been checked; returns false if its caller may not. */
  register(hash: string, text: string, caller: Caller | undefined): boolean
  /** Adds a text that has been registered elsewhere, if that is its hash: it would be executed for every caller. */
  add(hash: string, text: string): void
}

/** What an entry takes beside its text, in bytes: the hash, and its place in the cache. */
const entrySize = 300

/** Returns a store of one process. */
export function automaticOperations(options: AutomaticOptions): AutomaticOperations {
  const { memory, ttl, registeredBy, onRegistered } = options
  const texts = new LRUCache<string, string>({
    maxSize: memory,
    // The largest that a character can take.
    sizeCalculation: (text) => entrySize + 2 * text.length,
    ttl,
    updateAgeOnGet: true,
  })
  return {
    textOf: (hash) => texts.get(hash),
    register(hash, text, caller) {
      if (registeredBy === 'authenticated' && !caller?.claims) return false
      if (!texts.has(hash)) onRegistered?.(hash, text)
      texts.set(hash, text)
      return true
    },
    add(hash, text) {
      if (sha256(text) === hash) texts.set(hash, text)
    },
  }
}

/** Returns the SHA-256 of a text, in lower-case hexadecimal digits. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
