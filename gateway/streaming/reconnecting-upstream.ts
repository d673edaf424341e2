/** Streams that are opened again when they are lost, before anybody who listens learns of it. */
import type {
  Upstream,
  UpstreamClient,
  UpstreamFailure,
  UpstreamListener,
  UpstreamResponse,
} from './upstream.ts'

export interface ReconnectOptions {
  /** For how long it is tried after a loss, in milliseconds; 0: a stream that is lost has ended. */
  readonly reconnect: number
  readonly observer: ReconnectObserver
  /** The pauses before the attempts double from the first to the longest, in milliseconds. */
  readonly pauses?: { readonly first: number; readonly longest: number }
}

export interface ReconnectObserver {
  /** A stream is lost, and no other one of the subgraph was: one call for all that are lost then. */
  lost(reason: UpstreamFailure, why: string): void
  /** A lost stream is open again, or will not be. */
  decided(outcome: ReconnectOutcome): void
  /** No stream is lost any longer. */
  settled(): void
}

export type ReconnectOutcome = 'reconnected' | 'failed'

type Headers = Parameters<UpstreamClient['open']>[0]

const usualPauses = { first: 1_000, longest: 30_000 }

/**
 * Returns the client whose streams are opened again, with fresh headers, when they are lost after the subgraph had
 * accepted them. What cannot be opened at first has failed at once.
 */
export function reconnectingUpstream(
  client: UpstreamClient,
  { reconnect, observer, pauses = usualPauses }: ReconnectOptions,
): UpstreamClient {
  if (reconnect === 0) return client
  const lost = new Set<ReconnectingStream>()
  let isClosed = false
  const parts: StreamParts = {
    client,
    reconnect,
    pauses,
    mayReconnect: () => !isClosed,
    lost(stream, reason, why) {
      if (lost.size === 0) observer.lost(reason, why)
      lost.add(stream)
    },
    found(stream, outcome) {
      if (!lost.delete(stream)) return
      if (outcome) observer.decided(outcome)
      if (lost.size === 0) observer.settled()
    },
  }

  return {
    open: (...words) => new ReconnectingStream(parts, ...words),
    async close() {
      isClosed = true
      for (const stream of [...lost]) stream.giveUp()
      await client.close()
    },
  }
}

interface StreamParts extends Required<Pick<ReconnectOptions, 'reconnect' | 'pauses'>> {
  readonly client: UpstreamClient
  readonly mayReconnect: () => boolean
  readonly lost: (stream: ReconnectingStream, reason: UpstreamFailure, why: string) => void
  /** Without an outcome, nobody listens any longer. */
  readonly found: (stream: ReconnectingStream, outcome?: ReconnectOutcome) => void
}

/** One stream for its listener, whichever stream of the subgraph it is just now. */
class ReconnectingStream implements Upstream, UpstreamListener {
  readonly #parts: StreamParts
  readonly #headers: Headers
  readonly #body: string
  readonly #listener: UpstreamListener
  #upstream: Upstream | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: [reason: UpstreamFailure, why: string] = ['SUBGRAPH_UNREACHABLE', '']
  /** Set while the stream is open. */
  #openSince: number | undefined
  /** When the losses began that follow each other; undefined if there was none. */
  #lostSince: number | undefined
  #attempts = 0
  #isOver = false

  constructor(parts: StreamParts, headers: Headers, body: string, listener: UpstreamListener) {
    this.#parts = parts
    this.#headers = headers
    this.#body = body
    this.#listener = listener
    this.#open()
  }

  close(): void {
    this.#end(() => {})
  }

  /** Ends it while it is lost. */
  giveUp(): void {
    this.#fail(...this.#failure)
  }

  opened(): void {
    const isFirst = this.#lostSince === undefined
    this.#openSince = performance.now()
    this.#parts.found(this, 'reconnected')
    if (isFirst) this.#listener.opened()
  }

  next(bytes: Buffer): void {
    this.#listener.next(bytes)
  }

  completed(): void {
    this.#end(() => this.#listener.completed())
  }

  lost(reason: UpstreamFailure, why: string): void {
    const wasOpen = this.#openSince !== undefined
    if (this.#mayBeFound(reason, wasOpen)) this.#findAgain(reason, why)
    else this.#fail(reason, why)
  }

  responded(response: UpstreamResponse): void {
    const { status } = response
    // A proxy in front of a subgraph that starts.
    const isBusy = status === 429 || status >= 500
    if (isBusy && this.#lostSince !== undefined) {
      return this.lost('SUBGRAPH_UNREACHABLE', `HTTP status ${status}`)
    }
    this.#end(() => this.#listener.responded(response), 'failed')
  }

  /** A refusal may be due to a claims header that has expired: once it has been accepted, a fresh one is tried. */
  #mayBeFound(reason: UpstreamFailure, wasOpen: boolean): boolean {
    if (reason === 'SUBGRAPH_RESPONSE_INVALID' || !this.#parts.mayReconnect()) return false
    return wasOpen || (this.#lostSince !== undefined && reason !== 'SUBGRAPH_ERROR')
  }

  #findAgain(reason: UpstreamFailure, why: string): void {
    const { pauses, reconnect } = this.#parts
    const now = performance.now()
    const wasStable = this.#openSince !== undefined && now - this.#openSince >= pauses.longest
    if (wasStable || this.#lostSince === undefined) {
      this.#lostSince = now
      this.#attempts = 0
    }
    this.#openSince = undefined
    const left = this.#lostSince + reconnect - now
    if (left <= 0) return this.#fail(reason, why)
    this.#failure = [reason, why]
    this.#parts.lost(this, reason, why)
    const pause = Math.min(pauses.first * 2 ** this.#attempts++, pauses.longest)
    // Those that are lost together do not come back together.
    const spread = pause * (0.5 + Math.random() / 2)
    this.#timer = setTimeout(() => this.#openAgain(), Math.min(spread, left)).unref()
  }

  #openAgain(): void {
    try {
      this.#open()
    } catch (cause) {
      this.#fail('SUBGRAPH_UNREACHABLE', (cause as Error).message)
    }
  }

  #open(): void {
    this.#upstream = this.#parts.client.open(this.#headers, this.#body, this)
  }

  #fail(reason: UpstreamFailure, why: string): void {
    this.#end(() => this.#listener.lost(reason, why), 'failed')
  }

  #end(report: () => void, outcome?: ReconnectOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#upstream?.close()
    this.#parts.found(this, outcome)
    report()
  }
}
