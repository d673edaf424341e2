/** Receives one response of a subgraph within a time and a size. */
import type { Dispatcher } from 'undici'
import type { EndSignal } from '../client-request.ts'
import { GatewayError } from '../errors.ts'

/** A response as it was received: its body still has its content codings. */
export interface RawResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly encoding: string | undefined
  readonly setCookie: string | string[] | undefined
  readonly chunks: readonly Buffer[]
}

export interface ReceiverOptions {
  /** The longest time until the last byte, in milliseconds. */
  readonly timeout: number
  /** The most bytes of the body. */
  readonly limit: number
  readonly signal: EndSignal | undefined
}

type Controller = Dispatcher.DispatchController
type Headers = Record<string, string | string[] | undefined>

/** Receives a response from undici chunk by chunk, which is cheaper than a stream. */
export class ResponseReceiver implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: RawResponse) => void
  readonly #reject: (cause: unknown) => void
  readonly #limit: number
  readonly #signal: EndSignal | undefined
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () =>
    this.#end(
      'SUBGRAPH_TIMEOUT',
      this.#signal?.reason === 'client gone'
        ? 'the client has gone away'
        : "the client's request has taken longer than http.deadline",
    )
  #controller: Controller | undefined
  #ended: GatewayError | undefined
  #status = 0
  #encoding: string | undefined
  #retryAfter: string | undefined
  #setCookie: string | string[] | undefined
  #chunks: Buffer[] = []
  #size = 0

  constructor(
    resolve: (response: RawResponse) => void,
    reject: (cause: unknown) => void,
    { timeout, limit, signal }: ReceiverOptions,
  ) {
    this.#resolve = resolve
    this.#reject = reject
    this.#limit = limit
    this.#signal = signal
    this.#timer = setTimeout(
      () => this.#end('SUBGRAPH_TIMEOUT', `no complete response within ${timeout} ms`),
      timeout,
    )
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort)
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (this.#ended) controller.abort(this.#ended)
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    this.#status = status
    this.#encoding = headers['content-encoding']?.toString()
    this.#setCookie = headers['set-cookie']
    const retryAfter = status < 400 ? undefined : headers['retry-after']
    this.#retryAfter = typeof retryAfter === 'string' ? retryAfter : undefined
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > this.#limit) this.#end('SUBGRAPH_RESPONSE_INVALID', tooLarge)
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    this.#cleanUp()
    this.#resolve({
      status: this.#status,
      encoding: this.#encoding,
      retryAfter: this.#retryAfter,
      setCookie: this.#setCookie,
      chunks: this.#chunks,
    })
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.#cleanUp()
    this.#reject(this.#ended ?? error)
  }

  #end(reason: 'SUBGRAPH_TIMEOUT' | 'SUBGRAPH_RESPONSE_INVALID', why: string): void {
    this.#ended = new GatewayError(reason, { cause: new Error(why) })
    this.#cleanUp()
    this.#reject(this.#ended)
    this.#controller?.abort(this.#ended)
  }

  #cleanUp(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

const tooLarge = 'a response larger than the limit'
