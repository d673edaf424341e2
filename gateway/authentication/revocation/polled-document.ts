/** A document that is asked for again and again in the background, and usable for a bounded time. */
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { FetchFailure } from '../fetch-failure.ts'
import type { Sharing } from '../fetch-document.ts'
import type { FetchedDocument, UnchangedDocument } from '../fetched-document.ts'

export interface PolledDocumentOptions {
  /** How often it is asked for, in milliseconds. */
  refresh: number
  /** How long it may be used after the issuer last confirmed it, in milliseconds. */
  staleFor: number
}

export interface PolledDocumentParts<Content> {
  uri: string
  /** Asks for a version other than that one. */
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
  /** When it must no longer be used whatever happens, in milliseconds since the epoch. */
  readonly usableUntil: number
  /** How long the sender says that it is fresh, in milliseconds. */
  readonly timeToLive: number | undefined
}

export interface PolledDocument<Content> {
  readonly uri: string
  /** Returns the content, unless there is none or it was confirmed too long ago. */
  current(): Content | undefined
  /** Resolves when the first attempt has ended, well or not; undefined afterwards. */
  readonly firstAttempt: Promise<void> | undefined
  /** How long ago the issuer last confirmed it, in milliseconds. */
  age(): number | undefined
  close(): void
}

/** The least time between two attempts, whatever the sender asks for. */
const leastRefresh = 1_000
const mostBackoff = 30_000
/** Assumed of a document that nobody has read yet, in milliseconds. */
const unknownTimeToLive = 5_000

/** While there is nothing yet, tokens wait for it: the first pauses are short. */
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
  let callOff = () => {}
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
      callOff()
    },
  }

  /** Never rejects: what went wrong is in the log. */
  async function poll(): Promise<void> {
    try {
      const asked = clock.now()
      const etag = held && asked < held.usableUntil ? held.etag : undefined
      const answer = await parts.fetch(etag, { youngerThan: period() / 2 })
      const { age = 0 } = answer
      if ('body' in answer) await hold(answer)
      confirmedAt = asked - age
      if (failures > 0) log.info({ uri, failures }, 'the revocation document is back')
      failures = 0
      plan(Math.max(period() - age, leastRefresh))
    } catch (cause) {
      // What closing breaks off is no failure of the issuer.
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

  /** The last good version of another process counts where it is newer than ours. */
  async function holdLastGood(cause: unknown): Promise<void> {
    const lastGood = cause instanceof FetchFailure ? cause.lastGood : undefined
    const fetchedAt = clock.now() - (lastGood?.age ?? 0)
    if (!lastGood || fetchedAt <= confirmedAt) return
    await hold(lastGood).then(
      () => (confirmedAt = fetchedAt),
      () => {},
    )
  }

  /** How often it is asked for. */
  function period(): number {
    const { timeToLive = Infinity } = held ?? { timeToLive: unknownTimeToLive }
    return Math.max(Math.min(options.refresh, timeToLive), leastRefresh)
  }

  function plan(delay: number): void {
    if (!closed) callOff = clock.after(delay, poll)
  }
}
