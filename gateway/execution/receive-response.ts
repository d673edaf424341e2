/** Receives one response of a subgraph within a time and a size. */
import type { Dispatcher } from 'undici'
import type { EndSignal, PassedHeader } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import { freeMemory } from '../values/free-memory.ts'
import { lendBuffer } from '../values/response-buffers.ts'

/** A response as it was received: its body still has its content codings. */
export interface RawResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly encoding: string | undefined
  readonly setCookie: readonly string[] | undefined
  /** The headers that the client gets; undefined if it gets none of any response. */
  readonly passed: readonly PassedHeader[] | undefined
  readonly body: Buffer
}

export interface ReceiverOptions {
  /** The longest time until the last byte, in milliseconds. */
  readonly timeout: number
  /** How many of these milliseconds an earlier attempt has taken; default none. */
  readonly spent?: number
  /** The most bytes of the body. */
  readonly limit: number
  readonly signal: EndSignal | undefined
  /** Returns the headers that the client gets, of names and values in turn; undefined: it gets none. */
  readonly readPassed?: ((headers: readonly Buffer[]) => readonly PassedHeader[]) | undefined
  /** Whether the memory of a chunk is its own. With HTTP/2 it is not: other streams have bytes there. */
  readonly ownsChunks: boolean
}

/**
 * Receives a response from undici chunk by chunk, which is cheaper than a stream. It is a handler as undici
 * uses it within: for one with `onResponseStart`, undici makes two more objects, and reads every header.
 */
export class ResponseReceiver implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: RawResponse) => void
  readonly #reject: (cause: unknown) => void
  readonly #limit: number
  readonly #signal: EndSignal | undefined
  readonly #readPassed: ReceiverOptions['readPassed']
  readonly #ownsChunks: boolean
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () =>
    this.#end(
      'SUBGRAPH_TIMEOUT',
      this.#signal?.reason === 'client gone'
        ? 'the client has gone away'
        : "the client's request has taken longer than http.deadline",
    )
  #abort: ((cause: Error) => void) | undefined
  #ended: GatewayError | undefined
  #status = 0
  #encoding: string | undefined
  #retryAfter: string | undefined
  #setCookie: string[] | undefined
  #passed: readonly PassedHeader[] | undefined
  #chunks: Buffer[] = []
  /** The bytes of a large response whose length is known: chunks are copied to it as they come. */
  #whole: Buffer | undefined
  /** The last chunk that was copied: the parser is not done with it. */
  #copied: Buffer | undefined
  #size = 0

  constructor(
    resolve: (response: RawResponse) => void,
    reject: (cause: unknown) => void,
    { timeout, spent = 0, limit, signal, readPassed, ownsChunks }: ReceiverOptions,
  ) {
    this.#resolve = resolve
    this.#reject = reject
    this.#limit = limit
    this.#signal = signal
    this.#readPassed = readPassed
    this.#ownsChunks = ownsChunks
    this.#timer = setTimeout(
      () => this.#end('SUBGRAPH_TIMEOUT', `no complete response within ${timeout} ms`),
      timeout - spent,
    )
    if (signal?.aborted) this.#onAbort()
    else signal?.addEventListener('abort', this.#onAbort)
  }

  onConnect(abort: (cause?: Error) => void): void {
    this.#abort = abort
    if (this.#ended) abort(this.#ended)
  }

  /** Returns true: undici goes on reading. It is called for each response, those with a status of 1xx too. */
  onHeaders(status: number, headers: readonly Buffer[]): boolean {
    this.#status = status
    this.#encoding = valuesOf(headers, 'content-encoding')?.join()
    this.#setCookie = valuesOf(headers, 'set-cookie')
    this.#passed = this.#readPassed?.(headers)
    const retryAfter = status < 400 ? undefined : valuesOf(headers, 'retry-after')
    this.#retryAfter = retryAfter?.length === 1 ? retryAfter[0] : undefined
    const length = Number(valuesOf(headers, 'content-length')?.[0])
    const isLarge = length >= largeResponse && length <= this.#limit
    this.#whole = isLarge ? lendBuffer(length) : undefined
    return true
  }

  onData(chunk: Buffer): boolean {
    const from = this.#size
    this.#size += chunk.length
    if (this.#size > this.#limit) this.#end('SUBGRAPH_RESPONSE_INVALID', tooLarge)
    else if (!this.#whole) this.#chunks.push(chunk)
    else if (this.#size <= this.#whole.length) this.#copy(chunk, this.#whole, from)
    return true
  }

  #copy(chunk: Buffer, whole: Buffer, at: number): void {
    whole.set(chunk, at)
    const { buffer } = this.#copied ?? chunk
    this.#copied = chunk
    if (this.#ownsChunks && buffer !== chunk.buffer) freeChunk(buffer as ArrayBuffer)
  }

  onComplete(): void {
    // undici finds this out itself, but not with HTTP/2: then there would be bytes of something else.
    if (this.#whole && this.#size !== this.#whole.length) {
      return this.#end('SUBGRAPH_RESPONSE_INVALID', otherLength)
    }
    this.#cleanUp()
    this.#resolve({
      status: this.#status,
      encoding: this.#encoding,
      retryAfter: this.#retryAfter,
      setCookie: this.#setCookie,
      passed: this.#passed,
      body: this.#whole ?? this.#joinedChunks(),
    })
  }

  #joinedChunks(): Buffer {
    const chunks = this.#chunks
    if (chunks.length === 1) return chunks[0]!
    if (this.#size < largeResponse) return Buffer.concat(chunks)
    const whole = lendBuffer(this.#size)
    let at = 0
    for (const chunk of chunks) {
      this.#copy(chunk, whole, at)
      at += chunk.length
    }
    return whole
  }

  onError(error: Error): void {
    this.#cleanUp()
    this.#reject(this.#ended ?? error)
  }

  #end(reason: 'SUBGRAPH_TIMEOUT' | 'SUBGRAPH_RESPONSE_INVALID', why: string): void {
    this.#ended = new GatewayError(reason, { cause: new Error(why) })
    this.#cleanUp()
    this.#reject(this.#ended)
    this.#abort?.(this.#ended)
  }

  #cleanUp(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }
}

/** Returns the values of a header; undefined if it is absent. Names and values take turns. */
function valuesOf(headers: readonly Buffer[], name: string): string[] | undefined {
  let values: string[] | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const other = headers[index]!
    // Most names differ in their length or in their first letter.
    if (other.length !== name.length || (other[0]! | 0x20) !== name.charCodeAt(0)) continue
    if (other.toString('latin1').toLowerCase() !== name) continue
    const value = headers[index + 1]!.toString('latin1')
    if (values) values.push(value)
    else values = [value]
  }
  return values
}

/**
 * Frees the memory of a chunk that has been copied. Otherwise it waits to be collected, and V8 collects all
 * garbage every 64 MB: that doubles the cost of large responses.
 */
function freeChunk(memory: ArrayBuffer): void {
  // Small ones are not worth it.
  if (memory.byteLength >= largeResponse) freeMemory(memory)
}

/** In bytes. Chunks that are put together at the end would take twice the memory. */
const largeResponse = 16 * 1024

const otherLength = 'a response of another length than its head says'
const tooLarge = 'a response larger than the limit'
