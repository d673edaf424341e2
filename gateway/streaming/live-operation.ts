/** A subscription while it lives: its events are executed one after the other, for one client. */
import type { ClientRequest } from '../client-request.ts'
import { errorTable } from '../errors.ts'
import type { ErrorName, GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { LiveObserver } from './live-observer.ts'
import type { EventOutcome, LiveEvent, LiveSubscription } from './live-subscription.ts'
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
  readonly subscription: LiveSubscription
  /** Returns the request in whose name the next event is executed. */
  readonly request: () => ClientRequest
  /** Returns why the caller is no longer admitted; undefined while it is. */
  readonly refusal: () => Refusal | Promise<Refusal>
  readonly queue: QueueLimits
  readonly client: LiveClient
  readonly observer: Pick<LiveObserver, 'delivered' | 'dropped'>
  /** Reports a fault of ours, and returns what the client gets to know of it. */
  readonly onFailure: (cause: unknown) => readonly ResponseError[]
}

export type Refusal = GatewayError | undefined

/** How often an operation that drops events looks whether its client reads again, in milliseconds. */
const pause = 100

export class LiveOperation {
  readonly #parts: LiveOperationParts
  #upstream: Upstream | undefined
  #queue: LiveEvent[] = []
  #queuedBytes = 0
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
  }

  #open(): void {
    const { subscription, request } = this.#parts
    this.#upstream = subscription.open(request(), {
      next: (event) => this.#add(event),
      ended: (error) => {
        this.#last = error ? [error] : []
        if (!this.#isBusy) void this.#work()
      },
      replaced: () => this.#end([errorOf('SUBSCRIPTION_SCHEMA_RELOAD')]),
    })
  }

  #add(event: LiveEvent): void {
    if (this.#isOver) return
    this.#queue.push(event)
    this.#queuedBytes += event.size
    if (this.#isOverfull()) this.#overflow()
    if (!this.#isBusy) void this.#work()
  }

  #isOverfull(): boolean {
    const { events, bytes } = this.#parts.queue
    return this.#queue.length > events || this.#queuedBytes > bytes
  }

  #overflow(): void {
    if (this.#parts.queue.overflow === 'end') {
      return this.#end([errorOf('SUBSCRIPTION_TOO_SLOW')])
    }
    while (this.#queue.length > 1 && this.#isOverfull()) {
      this.#take()
      this.#parts.observer.dropped(1)
    }
  }

  #take(): LiveEvent | undefined {
    const event = this.#queue.shift()
    this.#queuedBytes -= event?.size ?? 0
    return event
  }

  /** Executes what is queued: never two events at a time, which keeps their order. */
  async #work(): Promise<void> {
    this.#isBusy = true
    try {
      while (!this.#isOver && this.#queue.length > 0) {
        if (await this.#isBlocked()) continue
        const event = this.#take()
        if (event) await this.#execute(event)
      }
      if (this.#last) this.#end(this.#last)
    } catch (cause) {
      this.#end(this.#parts.onFailure(cause))
    } finally {
      this.#isBusy = false
    }
  }

  /** Whether the client does not read: then the operation ends, or waits and drops. */
  async #isBlocked(): Promise<boolean> {
    const { client, queue } = this.#parts
    if (client.unread() <= queue.bytes) return false
    if (queue.overflow === 'end') this.#end([errorOf('SUBSCRIPTION_TOO_SLOW')])
    else await new Promise((resolve) => setTimeout(resolve, pause))
    return true
  }

  /** The caller is asked about before the event is executed, and again before it is delivered. */
  async #execute(event: LiveEvent): Promise<void> {
    if (await this.#isRefused()) return
    const outcome = await event.respond(this.#parts.request())
    if (this.#isOver || (await this.#isRefused())) return
    this.#deliver(outcome)
  }

  async #isRefused(): Promise<boolean> {
    const asked = this.#parts.refusal()
    const reason = asked instanceof Promise ? await asked : asked
    if (this.#isOver) return true
    if (!reason) return false
    this.close()
    this.#parts.client.refused(reason)
    return true
  }

  #deliver(outcome: EventOutcome): void {
    switch (outcome.outcome) {
      case 'executed':
        this.#parts.observer.delivered()
        return this.#parts.client.next(outcome.result)
      case 'denied':
        return this.#end(outcome.result.errors)
      case 'outdated':
        if (this.#last) return
        this.#upstream?.close()
        this.#queue = []
        this.#queuedBytes = 0
        return this.#open()
    }
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
