/** A subscription while it lives: its events are executed one after the other, for one client. */
import type { ClientRequest } from '../client-request.ts'
import { errorTable } from '../errors.ts'
import type { ErrorName, GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { errorsOf } from '../http/error-response.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { LiveObserver } from './live-observer.ts'
import type { EventOutcome, LiveEvent } from './live-subscription.ts'
import type { RenewableSubscription } from './renewable-subscription.ts'
import type { Upstream } from './upstream.ts'

/** Where the responses go. After `ended` or `refused`, nothing comes any more. */
export interface LiveClient {
  next(result: OperationResult): void
  /** There are no more events, for these reasons; without one, the subgraph has sent all. */
  ended(errors: readonly ResponseError[]): void
  /** The caller is no longer admitted, which ends all that it has open. */
  refused(reason: GatewayError): void
  /** Returns how many bytes the client has not read yet. */
  unread(): number
}

/** How much may wait for a client that does not read fast enough. */
export interface QueueLimits {
  readonly events: number
  readonly bytes: number
  /** What happens beyond that: the subscription ends, or its oldest events are dropped. */
  readonly overflow: 'end' | 'drop_oldest'
}

export interface LiveOperationParts {
  readonly subscription: RenewableSubscription
  /** Returns the request in whose name the next event is executed. */
  readonly request: () => ClientRequest
  /** Returns why the caller is no longer admitted; undefined while it is. */
  readonly refusal: () => Refusal | Promise<Refusal>
  /** Returns why the document is no longer accepted; undefined while it is. */
  readonly documentRefusal: () => Refusal
  readonly queue: () => QueueLimits
  readonly client: LiveClient
  readonly observer: Pick<LiveObserver, 'delivered' | 'dropped'>
  /** Reports a fault of ours, and returns what the client gets to know of it. */
  readonly onFailure: (cause: unknown) => readonly ResponseError[]
}

export type Refusal = GatewayError | undefined

/** How often an operation that waits for its client looks whether it reads again, in milliseconds. */
const pause = 100
/** How long an earlier stream may stay open beside the one that takes its place, in milliseconds. */
const longestOverlap = 10_000

/** An event, and which of the streams it is of: they are numbered. */
interface QueuedEvent {
  readonly event: LiveEvent
  readonly stream: number
}

export class LiveOperation {
  readonly #parts: LiveOperationParts
  /** The number of the stream that was opened last. */
  #stream = 0
  #upstream: Upstream | undefined
  /** The streams before that one, which stay open until it is. */
  #earlier: Upstream[] = []
  /** Called when the stream that was opened last is open, or will not be. */
  #onSettled = () => {}
  #isOutdated = false
  #renewing: Promise<void> | undefined
  #queue: QueuedEvent[] = []
  #queuedBytes = 0
  #executing: QueuedEvent | undefined
  #isBusy = false
  /** Set when no more events come: why. */
  #last: readonly ResponseError[] | undefined
  #isOver = false

  /** Opens the stream of events. */
  constructor(parts: LiveOperationParts) {
    this.#parts = parts
    this.#open()
  }

  /** Ends it without another word to the client. */
  close(): void {
    this.#isOver = true
    this.#queue = []
    this.#upstream?.close()
    this.#closeEarlier()
    this.#onSettled()
  }

  /**
   * Prepares the subscription anew, as its caller or the schema has changed: the new stream is opened before
   * the earlier one is closed. Events of the time between come twice rather than not at all. Resolves when
   * nothing is needed any longer of what was before.
   */
  renew(): Promise<void> {
    this.#isOutdated = true
    this.#onSettled()
    return (this.#renewing ??= this.#renewWhileOutdated())
  }

  async #renewWhileOutdated(): Promise<void> {
    try {
      while (this.#isOutdated && !this.#isOver && !this.#last) {
        this.#isOutdated = false
        await this.#renewOnce()
        await this.#executed(this.#queue.at(-1) ?? this.#executing)
      }
    } catch (cause) {
      this.#end(this.#parts.onFailure(cause))
    } finally {
      this.#renewing = undefined
    }
  }

  async #renewOnce(): Promise<void> {
    const { subscription, request } = this.#parts
    // Its caller is judged first: another configuration may refuse it.
    if (await this.#isRefused()) return
    const errors = await subscription.renew(request())
    // Something has changed once more meanwhile, or nothing is needed any more.
    if (this.#isOutdated || this.#isOver || this.#last) return
    if (errors.length > 0) this.#end(errors)
    else await this.#replaceStream()
  }

  async #replaceStream(): Promise<void> {
    if (this.#upstream) this.#earlier.push(this.#upstream)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#onSettled = resolve
      timer = setTimeout(resolve, longestOverlap).unref()
      this.#open()
    })
    clearTimeout(timer)
    if (!this.#isOutdated) this.#closeEarlier()
  }

  #closeEarlier(): void {
    for (const earlier of this.#earlier.splice(0)) earlier.close()
  }

  #open(): void {
    const { subscription, request } = this.#parts
    const stream = ++this.#stream
    this.#upstream = subscription.open(request(), {
      opened: () => stream === this.#stream && this.#onSettled(),
      next: (event) => {
        if (stream === this.#stream) this.#onSettled()
        this.#add({ event, stream })
      },
      ended: (error) => {
        // The end of an earlier stream is not that of the subscription.
        if (stream !== this.#stream) return
        this.#onSettled()
        this.#last = error ? [error] : []
        if (!this.#isBusy) void this.#work()
      },
      replaced: () => this.renew(),
    })
  }

  /** Resolves when an event of the queue has been executed or dropped; a client may hold it up only so long. */
  async #executed(event: QueuedEvent | undefined): Promise<void> {
    const longest = performance.now() + longestOverlap
    while (event && this.#isPending(event) && performance.now() < longest) {
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  #isPending(event: QueuedEvent): boolean {
    return event === this.#executing || this.#queue.includes(event)
  }

  #add(queued: QueuedEvent): void {
    if (this.#isOver) return
    this.#queue.push(queued)
    this.#queuedBytes += queued.event.size
    if (this.#isOverfull()) this.#overflow()
    if (!this.#isBusy) void this.#work()
  }

  #isOverfull(): boolean {
    const { events, bytes } = this.#parts.queue()
    return this.#queue.length > events || this.#queuedBytes > bytes
  }

  #overflow(): void {
    if (this.#parts.queue().overflow === 'end') {
      return this.#end([errorOf('SUBSCRIPTION_TOO_SLOW')])
    }
    while (this.#queue.length > 1 && this.#isOverfull()) {
      this.#take()
      this.#parts.observer.dropped(1)
    }
  }

  #take(): QueuedEvent | undefined {
    const queued = this.#queue.shift()
    this.#queuedBytes -= queued?.event.size ?? 0
    return queued
  }

  /** Executes what is queued: never two events at a time, which keeps their order. */
  async #work(): Promise<void> {
    this.#isBusy = true
    try {
      while (!this.#isOver && this.#queue.length > 0) {
        if (await this.#isBlocked()) continue
        this.#executing = this.#take()
        if (this.#executing) await this.#execute(this.#executing)
      }
      if (this.#last) this.#end(this.#last)
    } catch (cause) {
      this.#end(this.#parts.onFailure(cause))
    } finally {
      this.#executing = undefined
      this.#isBusy = false
    }
  }

  /** Whether the client does not read: then the operation ends, or waits and drops. */
  async #isBlocked(): Promise<boolean> {
    const { client, queue } = this.#parts
    const { bytes, overflow } = queue()
    if (client.unread() <= bytes) return false
    if (overflow === 'end') this.#end([errorOf('SUBSCRIPTION_TOO_SLOW')])
    else await new Promise((resolve) => setTimeout(resolve, pause))
    return true
  }

  /** Caller and document are judged before the event is executed, and again before it is delivered. */
  async #execute({ event, stream }: QueuedEvent): Promise<void> {
    if (await this.#isRefused()) return
    const outcome = await event.respond(this.#parts.request())
    if (this.#isOver || (await this.#isRefused())) return
    this.#deliver(outcome, stream)
  }

  async #isRefused(): Promise<boolean> {
    const asked = this.#parts.refusal()
    const reason = asked instanceof Promise ? await asked : asked
    if (this.#isOver) return true
    if (reason) {
      this.close()
      this.#parts.client.refused(reason)
      return true
    }
    const refusal = this.#parts.documentRefusal()
    if (refusal) this.#end(errorsOf(refusal))
    return refusal !== undefined
  }

  #deliver(outcome: EventOutcome, stream: number): void {
    switch (outcome.outcome) {
      case 'executed':
        return this.#send(outcome.result)
      case 'denied':
        return this.#end(outcome.result.errors)
      case 'outdated':
        if (stream === this.#stream && !this.#renewing) void this.renew()
        if (outcome.result) this.#send(outcome.result)
    }
  }

  #send(result: OperationResult): void {
    this.#parts.observer.delivered()
    this.#parts.client.next(result)
  }

  #end(errors: readonly ResponseError[]): void {
    if (this.#isOver) return
    this.close()
    this.#parts.client.ended(errors)
  }
}

function errorOf(name: ErrorName): ResponseError {
  const { message, code } = errorTable[name]
  return { message, extensions: { code, reason: name } }
}
