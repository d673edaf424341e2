/**
 * The documents of the issuers, fetched once for several processes and for the configurations that follow
 * each other in one. Each verifies by itself what it gets: the documents are not read here, only kept.
 */
import { LRUCache } from 'lru-cache'
import { remembered } from '../values/remembered.ts'
import type { Clock } from './clock.ts'
import { FetchFailure } from './fetch-failure.ts'
import type { DocumentFetcher, Doubt, Sharing } from './fetch-document.ts'
import type { FetchedDocument } from './fetched-document.ts'

interface Kept {
  /** The newest document, and when it was fetched or confirmed. */
  document?: FetchedDocument
  at: number
  inProgress?: Promise<void> | undefined
  /** When a process last had that doubt. */
  readonly lastDoubts: Map<Doubt, number>
  failure?: { readonly cause: FetchFailure; readonly at: number } | undefined
}

/** The most documents that are kept. */
const maxDocuments = 256
/** Less than the first pause before a retry, in milliseconds. */
const failureSharedFor = 500
/**
 * A document is shared for half of the time for which it is fresh, which is at least this, in
 * milliseconds.
 */
const leastMaxAge = 10_000

/** Returns the fetcher that all processes use. */
export function sharedDocuments(fetch: DocumentFetcher, clock: Pick<Clock, 'now'>) {
  const kept = new LRUCache<string, Kept>({ max: maxDocuments })

  const fetchShared: DocumentFetcher = async (url, { unlessEtag, sharing, ...options }) => {
    const entry = entryOf(JSON.stringify([url, options.mediaTypes]))
    const doubt = sharing && 'doubt' in sharing ? sharing.doubt : undefined
    if (!entry.document || !isGoodEnough(entry, entry.document, sharing)) {
      try {
        refuseAgain(entry)
        if (doubt) entry.lastDoubts.set(doubt, clock.now())
        entry.inProgress ??= renew(entry).finally(() => (entry.inProgress = undefined))
        await entry.inProgress
      } catch (cause) {
        throw withLastGood(cause, entry, unlessEtag)
      }
    }
    const document = entry.document!
    const age = clock.now() - entry.at
    if (unlessEtag !== undefined && document.etag === unlessEtag) return { unchanged: true, age }
    return { ...document, age }

    async function renew(entry: Kept): Promise<void> {
      const requestedAt = clock.now()
      const { document } = entry
      try {
        const response = await fetch(url, { ...options, unlessEtag: document?.etag })
        if ('body' in response) entry.document = response
        entry.at = requestedAt
        entry.failure = undefined
      } catch (cause) {
        if (cause instanceof FetchFailure) entry.failure = { cause, at: clock.now() }
        throw cause
      }
    }
  }
  return fetchShared

  function entryOf(key: string): Kept {
    return remembered(kept, key, () => ({ at: -Infinity, lastDoubts: new Map() }))
  }

  function isGoodEnough(entry: Kept, document: FetchedDocument, sharing: Sharing | undefined) {
    if (!sharing) return false
    const now = clock.now()
    if ('doubt' in sharing) {
      return now - (entry.lastDoubts.get(sharing.doubt) ?? -Infinity) < sharing.cooldown
    }
    const fresh = Math.max(document.maxAge ?? Infinity, leastMaxAge)
    return now - entry.at < Math.min(sharing.youngerThan, fresh / 2)
  }

  /** A process that starts later gets the last good document, with its true age. */
  function withLastGood(cause: unknown, { document, at }: Kept, unlessEtag: string | undefined) {
    if (!(cause instanceof FetchFailure) || !document) return cause
    if (unlessEtag !== undefined && document.etag === unlessEtag) return cause
    const lastGood = { ...document, age: clock.now() - at }
    return new FetchFailure(cause.message, { cause, status: cause.status, lastGood })
  }

  /** Many attempts at a time become one request to a failing issuer. */
  function refuseAgain({ failure }: Kept): void {
    if (failure && clock.now() - failure.at < failureSharedFor) throw failure.cause
  }
}
