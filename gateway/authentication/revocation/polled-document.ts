/** A document that is fetched again and again in the background, and usable for a bounded time. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { FetchFailure } from '../fetch-failure.ts'
import type { Sharing } from '../fetch-document.ts'
import type { FetchedDocument, UnchangedDocument } from '../fetched-document.ts'

export interface PolledDocumentOptions {
  /** How often it is fetched, in milliseconds. */
  refresh: number
  /** How long it may be used after the issuer last confirmed it, in milliseconds. */
  staleFor: number
}

export interface PolledDocumentParts<Content> {
  uri: string
  /** Fetches the document unless it is still that version. */
  fetch: (
    unlessEtag: string | undefined,
    sharing: Sharing,
  ) => Promise<FetchedDocument | UnchangedDocument>
  read: (text: string) => Promise<ReadDocument<Content>>
  clock: Clock
  log: Logger
}

export interface ReadDocument<Content> {
  readonly content: Content
  /** When it must no longer be used, in milliseconds since the epoch. */
  readonly usableUntil: number
  /** How long the sender says that it is fresh, in milliseconds. */
  readonly timeToLive: number | undefined
}

export interface PolledDocument<Content> {
  readonly uri: string
  /** Returns the content, unless there is none or it was confirmed too long ago. */
  current(): Content | undefined
  /** Resolves when the first attempt has ended, with success or without; undefined afterwards. */
  readonly firstAttempt: Promise<void> | undefined
  /** Returns how long ago the issuer last confirmed it, in milliseconds. */
  age(): number | undefined
  close(): void
}

/** The least time between two attempts, whatever the sender says, in milliseconds. */
const leastRefresh = 1_000
const mostBackoff = 30_000
/** Assumed of a document that has not been read yet, in milliseconds. */
const unknownTimeToLive = 5_000

/** Tokens wait for a document that has never been fetched: the first pauses are short. */
const backoff = (failures: number) => Math.min(leastRefresh * 2 ** (failures - 1), mostBackoff)

/** Starts to fetch the document, without waiting for it. */
export function polledDocument<Content>(
  options: PolledDocumentOptions,
  parts: PolledDocumentParts<Content>,
): PolledDocument<Content> {
  const { uri, clock, log } = parts
  let held: (ReadDocument<Content> & { etag: string | undefined }) | undefined
  let confirmedAt = -Infinity
  let failures = 0
  let cancelPlanned = () => {}
  let closed = false
  const longest = Math.max(options.refresh, mostBackoff)
  let firstAttempt: Promise<void> | undefined = poll().finally(() => (firstAttempt = undefined))

  return {
    uri,
    get firstAttempt() {
      return firstAttempt
    },
    current() {
      const now = clock.now()
      if (!held || now >= held.usableUntil) return undefined
      return now < confirmedAt + options.refresh + options.staleFor ? held.content : undefined
    },
    age: () => (held ? clock.now() - confirmedAt : undefined),
    close() {
      closed = true
      cancelPlanned()
    },
  }

  /** It never rejects: the log says what went wrong. */
  async function poll(): Promise<void> {
    try {
      const requestedAt = clock.now()
      const etag = held && requestedAt < held.usableUntil ? held.etag : undefined
      const response = await parts.fetch(etag, { youngerThan: period() / 2 })
      const { age = 0 } = response
      if ('body' in response) await hold(response)
      confirmedAt = requestedAt - age
      if (failures > 0) log.info({ uri, failures }, 'the revocation document is back')
      failures = 0
      plan(Math.max(period() - age, leastRefresh))
    } catch (cause) {
      // An attempt that closing has cancelled is no failure of the issuer.
      if (closed) return
      failures++
      await holdLastGood(cause)
      log.warn(
        { uri, failures, cause: (cause as Error).message },
        'the revocation document could not be read',
      )
      plan(held ? Math.min(options.refresh * failures, longest) : backoff(failures))
    }
  }

  async function hold({ body, etag }: FetchedDocument): Promise<void> {
    held = { ...(await parts.read(body)), etag }
  }

  /** The last good version of another process is used if it is newer than ours. */
  async function holdLastGood(cause: unknown): Promise<void> {
    const lastGood = cause instanceof FetchFailure ? cause.lastGood : undefined
    const fetchedAt = clock.now() - (lastGood?.age ?? 0)
    if (!lastGood || fetchedAt <= confirmedAt) return
    await hold(lastGood).then(
      () => (confirmedAt = fetchedAt),
      () => {},
    )
  }

  /** Returns how often it is fetched, in milliseconds. */
  function period(): number {
    const { timeToLive = Infinity } = held ?? { timeToLive: unknownTimeToLive }
    return Math.max(Math.min(options.refresh, timeToLive), leastRefresh)
  }

  function plan(delay: number): void {
    if (!closed) cancelPlanned = clock.after(delay, poll)
  }
}
