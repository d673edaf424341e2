/** Events of a subgraph by server-sent events: GraphQL over SSE, "distinct connections mode", by POST. */
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'
import { EventStreamReader } from './read-event-stream.ts'
import { responseLimit } from './upstream.ts'
import type {
  Upstream,
  UpstreamClient,
  UpstreamFailure,
  UpstreamListener,
  UpstreamOptions,
} from './upstream.ts'

type Controller = Dispatcher.DispatchController
type Headers = Record<string, string | string[] | undefined>

/** Returns the client of one subgraph. A stream has a connection of its own: queries do not wait for it. */
export function upstreamBySse(url: string, options: UpstreamOptions): UpstreamClient {
  const { origin, pathname, search } = new URL(url)
  const { timeout, tls } = options
  let pool: Pool | undefined

  return {
    open(headers, body, listener) {
      pool ??= new Pool(origin, {
        connections: null,
        headersTimeout: timeout,
        bodyTimeout: 0,
        ...(tls ? { connect: { ca: tls.ca, cert: tls.certificate, key: tls.key } } : {}),
      })
      const streams = pool
      const ofProtocol = { 'content-type': 'application/json', accept: 'text/event-stream' }
      const send = () => {
        const request = {
          method: 'POST',
          path: pathname + search,
          headers: { ...headers(), ...ofProtocol },
          body,
        } as const
        streams.dispatch(request, receiver)
      }
      const receiver = new StreamReceiver(listener, options, send)
      send()
      return receiver
    },
    close: async () => pool?.destroy(),
  }
}

/** Receives one stream chunk by chunk, and ends it when it is closed, too large, or silent for too long. */
class StreamReceiver implements Dispatcher.DispatchHandler, Upstream {
  readonly #options: UpstreamOptions
  readonly #reader: EventStreamReader
  #listener: UpstreamListener | undefined
  #controller: Controller | undefined
  #silence: NodeJS.Timeout | undefined
  /** Set if the response is not a stream. */
  #response: { status: number; retryAfter: string | undefined; chunks: Buffer[] } | undefined
  #size = 0
  #sendAgain: (() => void) | undefined

  /** @param sendAgain called once if the connection fails before the subgraph has responded */
  constructor(listener: UpstreamListener, options: UpstreamOptions, sendAgain: () => void) {
    this.#listener = listener
    this.#sendAgain = sendAgain
    this.#options = options
    this.#reader = new EventStreamReader(options.eventLimit, ({ name, data }) => {
      if (name === 'complete') this.#end((listener) => listener.completed())
      else if (name === 'next') this.#listener?.next(data)
    })
  }

  close(): void {
    this.#end(() => {})
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller
    if (!this.#listener) controller.abort(closed)
  }

  onResponseStart(_controller: Controller, status: number, headers: Headers): void {
    if (status < 200) return
    this.#sendAgain = undefined
    const type = String(headers['content-type'] ?? '')
    const isStream = status === 200 && /^text\/event-stream *(;|$)/i.test(type)
    if (headers['content-encoding'] !== undefined) {
      return this.#lose('SUBGRAPH_RESPONSE_INVALID', 'a content coding that was not asked for')
    }
    if (!isStream) {
      const { 'retry-after': retryAfter } = headers
      this.#response = { status, retryAfter: retryAfter?.toString(), chunks: [] }
      return
    }
    const { silence } = this.#options
    this.#silence = setTimeout(
      () => this.#lose('SUBGRAPH_TIMEOUT', `no event and no heartbeat within ${silence} ms`),
      silence,
    ).unref()
    this.#listener?.opened()
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    if (!this.#listener) return
    if (this.#response) {
      this.#size += chunk.length
      if (this.#size > responseLimit) this.#lose('SUBGRAPH_RESPONSE_INVALID', 'not a stream')
      else this.#response.chunks.push(chunk)
      return
    }
    this.#silence?.refresh()
    if (this.#reader.read(chunk)) return
    this.#lose('SUBGRAPH_RESPONSE_INVALID', 'an event larger than the limit')
  }

  onResponseEnd(): void {
    this.#controller = undefined
    const response = this.#response
    if (!response) return this.#lose('SUBGRAPH_UNREACHABLE', 'the stream ended without `complete`')
    const { status, retryAfter, chunks } = response
    this.#end((listener) =>
      listener.responded({ status, retryAfter, bytes: Buffer.concat(chunks) }),
    )
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    this.#controller = undefined
    const { code } = error as NodeJS.ErrnoException
    const isTimeout = code === 'UND_ERR_HEADERS_TIMEOUT'
    const sendAgain = this.#listener && !isTimeout ? this.#sendAgain : undefined
    this.#sendAgain = undefined
    // A connection may be closed just as it is used.
    if (sendAgain) return sendAgain()
    this.#lose(
      isTimeout ? 'SUBGRAPH_TIMEOUT' : 'SUBGRAPH_UNREACHABLE',
      code ? `${code}: ${error.message}` : error.message,
    )
  }

  #lose(reason: UpstreamFailure, why: string): void {
    this.#end((listener) => listener.lost(reason, why))
  }

  #end(report: (listener: UpstreamListener) => void): void {
    const listener = this.#listener
    if (!listener) return
    this.#listener = undefined
    clearTimeout(this.#silence)
    this.#controller?.abort(closed)
    report(listener)
  }
}

const closed = new Error('the stream is closed')
