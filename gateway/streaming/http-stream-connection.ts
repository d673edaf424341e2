/** One subscription of a client by HTTP: it has a response of its own. */
import type { ServerResponse } from 'node:http'
import type { GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { bodyOfResult } from '../http/result-response.ts'
import type { StreamFormat } from '../http/stream-format.ts'
import { reasonOf } from './end-reason.ts'
import type { LiveConnection } from './live-connections.ts'
import { LiveOperation } from './live-operation.ts'
import type { LiveClient, LiveOperationParts } from './live-operation.ts'
import { writtenOnce } from './written-once.ts'
import { remembered } from '../values/remembered.ts'

export interface HttpStreamParts extends Omit<LiveOperationParts, 'client'> {
  readonly format: StreamFormat
  /** How long the stream may be silent, in milliseconds. */
  readonly heartbeat: () => number
  /** Called when it has ended, for a reason of the error table, `completed` or `client gone`. */
  readonly onClosed: (reason: string) => void
}

export class HttpStreamConnection implements LiveConnection, LiveClient {
  readonly #response: ServerResponse
  readonly #parts: HttpStreamParts
  readonly #operation: LiveOperation
  #sentAt = performance.now()
  #isOver = false

  /** @param response its head has been written */
  constructor(response: ServerResponse, parts: HttpStreamParts) {
    this.#response = response
    this.#parts = parts
    // The head reaches the client now, not with the first event.
    this.#write(parts.format.start)
    this.#operation = new LiveOperation({ ...parts, client: this })
    response.on('close', () => this.#close('client gone', ''))
    if (response.destroyed) this.#close('client gone', '')
  }

  next(result: Parameters<LiveClient['next']>[0]): void {
    const { format } = this.#parts
    const textOf = remembered(texts, format, () =>
      writtenOnce((one) => format.next(bodyOfResult(one))),
    )
    this.#write(textOf(result))
  }

  ended(errors: readonly ResponseError[]): void {
    this.#close(reasonOf(errors), this.#parts.format.ended(errors))
  }

  refused(error: GatewayError): void {
    this.#close(error.reason, this.#parts.format.refused(error))
  }

  /** Whether it has ended. */
  get isOver(): boolean {
    return this.#isOver
  }

  unread(): number {
    return this.#response.writableLength
  }

  check(): Promise<void> | void {
    const refusal = this.#parts.refusal()
    if (refusal instanceof Promise) {
      return refusal.then(
        (error) => error && this.refused(error),
        () => {},
      )
    }
    if (refusal) this.refused(refusal)
  }

  beat(now: number): void {
    const { heartbeat, format } = this.#parts
    const longest = Math.min(heartbeat(), format.longestSilence)
    if (now - this.#sentAt >= longest) this.#write(format.heartbeat)
  }

  restart(): void {
    this.#close('restart', this.#parts.format.restart)
  }

  #write(text: string | Buffer): void {
    if (this.#isOver) return
    this.#sentAt = performance.now()
    this.#response.write(text)
  }

  #close(reason: string, last: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#operation?.close()
    this.#response.end(last)
    // A client that does not read would not see the end either.
    if (reason === 'SUBSCRIPTION_TOO_SLOW') this.#response.destroy()
    this.#parts.onClosed(reason)
  }
}

/** By the format: all clients that have it get the same bytes. */
const texts = new Map<StreamFormat, ReturnType<typeof writtenOnce>>()
