/**
 * What the issuers publish, fetched once for several processes. Each of them verifies by itself what
 * it gets: here nothing is read, only kept for a moment.
 */
import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'
import { FetchFailure } from './fetch-failure.ts'
import type { DocumentFetcher, Doubt, Sharing } from './fetch-document.ts'
import type { FetchedDocument } from './fetched-document.ts'

interface Kept {
  /** The newest document, and when it was had or confirmed. */
  document?: FetchedDocument
  at: number
  underWay?: Promise<void> | undefined
  /** When somebody last had that doubt. */
  readonly lastDoubts: Map<Doubt, number>
  failure?: { readonly cause: FetchFailure; readonly at: number } | undefined
}

/** The most addresses of which something is kept. */
const maxDocuments = 256
/** Less than the first pause of whoever tries again, in milliseconds. */
const failureSharedFor = 500
/** A document is shared for half of the time for which it is fresh; for one of no time, of this. */
const leastMaxAge = 10_000

/** Returns the fetcher that all processes ask. */
export function sharedDocuments(fetch: DocumentFetcher, clock: Pick<Clock, 'now'>) {
  const kept = new LRUCache<string, Kept>({ max: maxDocuments })

  const fetchShared: DocumentFetcher = async (url, { unlessEtag, sharing, ...options }) => {
    const entry = entryOf(JSON.stringify([url, options.mediaTypes]))
    const doubt = sharing && 'doubt' in sharing ? sharing.doubt : undefined
    if (!entry.document || !doesAsWell(entry, entry.document, sharing)) {
      try {
        refuseAgain(entry)
        if (doubt) entry.lastDoubts.set(doubt, clock.now())
        entry.underWay ??= renew(entry).finally(() => (entry.underWay = undefined))
        await entry.underWay
      } catch (cause) {
        throw withLastGood(cause, entry, unlessEtag)
      }
    }
    const document = entry.document!
    const age = clock.now() - entry.at
    if (unlessEtag !== undefined && document.etag === unlessEtag) return { unchanged: true, age }
    return { ...document, age }

    async function renew(entry: Kept): Promise<void> {
      const asked = clock.now()
      const { document } = entry
      try {
        const answer = await fetch(url, { ...options, unlessEtag: document?.etag })
        if ('body' in answer) entry.document = answer
        entry.at = asked
        entry.failure = undefined
      } catch (cause) {
        if (cause instanceof FetchFailure) entry.failure = { cause, at: clock.now() }
        throw cause
      }
    }
  }
  return fetchShared

  function entryOf(key: string): Kept {
    const known = kept.get(key)
    if (known) return known
    const entry: Kept = { at: -Infinity, lastDoubts: new Map() }
    kept.set(key, entry)
    return entry
  }

  function doesAsWell(entry: Kept, document: FetchedDocument, sharing: Sharing | undefined) {
    if (!sharing) return false
    const now = clock.now()
    if ('doubt' in sharing) {
      return now - (entry.lastDoubts.get(sharing.doubt) ?? -Infinity) < sharing.cooldown
    }
    const fresh = Math.max(document.maxAge ?? Infinity, leastMaxAge)
    return now - entry.at < Math.min(sharing.youngerThan, fresh / 2)
  }

  /** What one process has, every process has: one that comes later gets it with its true age. */
  function withLastGood(cause: unknown, { document, at }: Kept, unlessEtag: string | undefined) {
    if (!(cause instanceof FetchFailure) || !document) return cause
    if (unlessEtag !== undefined && document.etag === unlessEtag) return cause
    const lastGood = { ...document, age: clock.now() - at }
    return new FetchFailure(cause.message, { cause, status: cause.status, lastGood })
  }

  /** A flood of attempts meets a failing issuer once. */
  function refuseAgain({ failure }: Kept): void {
    if (failure && clock.now() - failure.at < failureSharedFor) throw failure.cause
  }
}
