/** What a WebSocket sends to its client: the messages of the protocol graphql-transport-ws. */
import type { WebSocket } from 'ws'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { bodyOfResult } from '../http/result-response.ts'
import type { OperationResult } from '../http/result-response.ts'
import { writtenOnce } from './written-once.ts'

export class WebSocketOutput {
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  acknowledge(): void {
    this.#send({ type: 'connection_ack' })
  }

  ping(payload: unknown): void {
    this.#send({ type: 'ping', payload })
  }

  pong(payload: unknown): void {
    this.#send({ type: 'pong', payload })
  }

  next(id: string, body: ResponseData): void {
    this.#write(`${headOfNext(id)}${stringOf(body).trimEnd()}}`)
  }

  /** Returns the function that sends the events of an operation. */
  eventsOf(id: string): (result: OperationResult) => void {
    const head = Buffer.from(headOfNext(id))
    return (result) => {
      if (this.#isOpen()) {
        this.#socket.send(Buffer.concat([head, restOfNext(result)]), { binary: false })
      }
    }
  }

  error(id: string, errors: readonly ResponseError[]): void {
    this.#send({ id, type: 'error', payload: errors })
  }

  complete(id: string): void {
    this.#send({ id, type: 'complete' })
  }

  /** Returns how many bytes the client has not read yet. */
  unread(): number {
    return this.#socket.bufferedAmount
  }

  #send(message: object): void {
    this.#write(JSON.stringify(message))
  }

  #write(text: string): void {
    if (this.#isOpen()) this.#socket.send(text)
  }

  #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }
}

/** Returns the message `next` up to its payload. */
function headOfNext(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":"next","payload":`
}

/** The payload of `next`, and the end of the message. */
const restOfNext = writtenOnce((result) => `${stringOf(bodyOfResult(result)).trimEnd()}}`)
