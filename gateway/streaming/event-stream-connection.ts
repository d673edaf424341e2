/** One subscription of a client by server-sent events: a connection of its own. */
import type { ServerResponse } from 'node:http'
import type { GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { completeEvent, heartbeatComment, nextEvent } from '../http/event-stream.ts'
import { errorsOf } from '../http/error-response.ts'
import { bodyOfResult } from '../http/result-response.ts'
import { reasonOf } from './end-reason.ts'
import type { LiveConnection } from './live-connections.ts'
import { LiveOperation } from './live-operation.ts'
import type { LiveClient, LiveOperationParts } from './live-operation.ts'
import { writtenOnce } from './written-once.ts'

export interface EventStreamParts extends Omit<LiveOperationParts, 'client'> {
  /** How long the stream may be silent, in milliseconds. */
  readonly heartbeat: number
  /** Called when it has ended, for a reason of the error table, `completed` or `client gone`. */
  readonly onClosed: (reason: string) => void
}

/**
 * A stream that ends without `complete` is opened again by its client, by graphql-sse as well as by a
 * browser's EventSource, with the credentials that the client has then.
 */
export class EventStreamConnection implements LiveConnection, LiveClient {
  readonly #response: ServerResponse
  readonly #parts: EventStreamParts
  readonly #operation: LiveOperation
  #sentAt = performance.now()
  #isOver = false

  /** @param response its head has been written */
  constructor(response: ServerResponse, parts: EventStreamParts) {
    this.#response = response
    this.#parts = parts
    this.#operation = new LiveOperation({ ...parts, client: this })
    response.on('close', () => this.#close('client gone'))
    // The head reaches the client now, not with the first event.
    if (!this.#isOver) this.#write(heartbeatComment)
    if (response.destroyed) this.#close('client gone')
  }

  next(result: Parameters<LiveClient['next']>[0]): void {
    this.#write(textOfEvent(result))
  }

  ended(errors: readonly ResponseError[]): void {
    if (errors.length > 0) this.#write(nextEvent(JSON.stringify({ errors })))
    this.#write(completeEvent)
    this.#close(reasonOf(errors))
  }

  refused(error: GatewayError): void {
    if (this.#isOver) return
    const { reason } = error
    // Another access token may help, unless the login itself has ended.
    if (reason === 'TOKEN_REVOKED') return this.ended(errorsOf(error))
    this.#close(reason)
  }

  unread(): number {
    return this.#response.writableLength
  }

  tick(now: number): void {
    const refusal = this.#parts.refusal()
    if (refusal instanceof Promise) {
      refusal.then(
        (error) => error && this.refused(error),
        () => {},
      )
    } else if (refusal) return this.refused(refusal)
    if (now - this.#sentAt >= this.#parts.heartbeat) this.#write(heartbeatComment)
  }

  restart(): void {
    this.#close('restart')
  }

  #write(text: string | Buffer): void {
    if (this.#isOver) return
    this.#sentAt = performance.now()
    this.#response.write(text)
  }

  #close(reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#operation?.close()
    // A client that does not read would not see the end either.
    if (reason === 'SUBSCRIPTION_TOO_SLOW') this.#response.destroy()
    else this.#response.end()
    this.#parts.onClosed(reason)
  }
}

const textOfEvent = writtenOnce((result) => nextEvent(bodyOfResult(result)))
