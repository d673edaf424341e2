/** The operations on one WebSocket: queries, mutations and subscriptions, by their ids. */
import type { GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { RequestSignal } from '../http/request-signal.ts'
import type { CallerSession } from './caller-session.ts'
import { closeCodes } from './close-codes.ts'
import type { CloseCode } from './close-codes.ts'
import { reasonOf } from './end-reason.ts'
import { LiveOperation } from './live-operation.ts'
import type { StartedSubscription } from './started-subscription.ts'
import type { WebSocketOutput } from './websocket-output.ts'

/** The connection that the operations are on. */
export interface OperationsConnection {
  close(code: CloseCode, reason: string): void
  /** Ends it, as its caller is no longer admitted. */
  refused(error: GatewayError): void
}

export interface WebSocketOperationsParts {
  readonly session: CallerSession
  readonly output: WebSocketOutput
  readonly connection: OperationsConnection
}

interface RunningOperation {
  /** Ends it without another word to the client, for a reason as LiveObserver has them. */
  close(reason: string): void
  /** Prepares it anew for its caller, which has changed; undefined for a query or a mutation. */
  readonly renew?: () => Promise<void>
}

type Payload = Readonly<Record<string, unknown>>

export class WebSocketOperations {
  readonly #parts: WebSocketOperationsParts
  readonly #running = new Map<string, RunningOperation>()
  /** Set when no others are performed: called when only subscriptions are left. */
  #onFinished: (() => void) | undefined

  constructor(parts: WebSocketOperationsParts) {
    this.#parts = parts
  }

  /** Performs the operation of a message `subscribe`. */
  subscribe(id: string, payload: Payload): void {
    // A client that is asked to come back sends its operations again.
    if (this.#onFinished) return
    const { connection } = this.#parts
    this.#perform(id, payload).catch(() =>
      connection.close(closeCodes.internalError, 'Internal server error'),
    )
  }

  /** Ends an operation whose client wants nothing more of it. */
  complete(id: string): void {
    this.#running.get(id)?.close('client gone')
    this.#forget(id)
  }

  /** Prepares the subscriptions anew, as their caller has changed. */
  renew(): void {
    for (const { renew } of this.#running.values()) void renew?.()
  }

  /**
   * Performs no others from now on. Resolves when the queries and mutations in progress have been answered: a client
   * would send a mutation again.
   */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      this.#onFinished = resolve
      this.#reportFinished()
    })
  }

  /** Ends all of them, for a reason as LiveObserver has them. */
  end(reason: string): void {
    const running = [...this.#running.values()]
    this.#running.clear()
    for (const { close } of running) close(reason)
  }

  async #perform(id: string, payload: Payload): Promise<void> {
    const { session, output, connection } = this.#parts
    if (this.#running.has(id)) {
      return connection.close(closeCodes.subscriberExists, `Subscriber for ${id} already exists`)
    }
    const { operationsPerConnection, deadline } = session.live
    if (this.#running.size >= operationsPerConnection) return output.error(id, tooManyOperations)
    const signal = new RequestSignal()
    const timer = setTimeout(() => signal.abort('deadline'), deadline)
    const close = () => {
      clearTimeout(timer)
      signal.abort()
    }
    const opening: RunningOperation = { close }
    this.#running.set(id, opening)
    const refusal = await session.caller.refusal()
    if (refusal) return connection.refused(refusal)
    const performed = await session.perform(payload, signal)
    clearTimeout(timer)
    // The client may have completed it, and may even have begun another one under its id.
    if (this.#running.get(id) !== opening) {
      if (performed.outcome === 'subscribed') performed.started.onEnded('client gone')
      return
    }
    switch (performed.outcome) {
      case 'executed':
        output.next(id, performed.body)
        output.complete(id)
        return this.#forget(id)
      case 'refused':
        output.error(id, performed.errors)
        return this.#forget(id)
      case 'subscribed':
        return this.#open(id, performed.started)
    }
  }

  #open(id: string, { onEnded, ...started }: StartedSubscription): void {
    const { output, connection } = this.#parts
    const operation = new LiveOperation({
      ...started,
      client: {
        next: output.eventsOf(id),
        ended: (errors) => {
          onEnded(reasonOf(errors))
          this.#ended(id, errors)
        },
        refused: (error) => connection.refused(error),
        unread: () => output.unread(),
      },
    })
    this.#running.set(id, {
      renew: () => operation.renew(),
      close(reason) {
        operation.close()
        onEnded(reason)
      },
    })
    this.#reportFinished()
  }

  #ended(id: string, errors: readonly ResponseError[]): void {
    const { output, connection } = this.#parts
    this.#running.delete(id)
    const reason = reasonOf(errors)
    if (reason === 'SUBSCRIPTION_TOO_SLOW' && this.#isBlocked()) {
      // The client would not see an error either; it comes back when it can read.
      return connection.close(closeCodes.tryAgainLater, reason)
    }
    if (errors.length > 0) output.error(id, errors)
    else output.complete(id)
  }

  #isBlocked(): boolean {
    const { session, output } = this.#parts
    return output.unread() > session.live.queue.bytes
  }

  #forget(id: string): void {
    this.#running.delete(id)
    this.#reportFinished()
  }

  #reportFinished(): void {
    if ([...this.#running.values()].every(({ renew }) => renew)) this.#onFinished?.()
  }
}

const tooManyOperations: readonly ResponseError[] = [
  {
    message: 'Too many operations on this connection: complete one of them first',
    extensions: { code: 'TOO_MANY_REQUESTS', reason: 'TOO_MANY_REQUESTS' },
  },
]
