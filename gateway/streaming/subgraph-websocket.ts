/** One WebSocket to a subgraph, which carries the subscriptions of callers of whom the same headers are forwarded. */
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { closeCodes } from './close-codes.ts'
import { readSubgraphMessage } from './subgraph-messages.ts'
import { responseLimit } from './upstream.ts'
import type {
  Upstream,
  UpstreamFailure,
  UpstreamListener,
  UpstreamOptions,
  UpstreamResponse,
} from './upstream.ts'

export interface SubgraphWebSocketOptions extends UpstreamOptions {
  /**
   * Those of the caller and of the first request: in the upgrade, and again in `connection_init`, as some servers
   * read only that.
   */
  readonly headers: Readonly<Record<string, string>>
  /** Called once, when no more subscriptions are accepted. */
  readonly onEnded: () => void
}

interface Operation {
  readonly body: string
  readonly listener: UpstreamListener
}

/** How long a connection without subscriptions is kept for the next one, in milliseconds. */
const idleTime = 10_000
/** How long the subgraph may take for its part of a close, in milliseconds. */
const closeTime = 1_000
/** A subgraph that has not read as many bytes gets no more pongs. */
const mostUnread = 64 * 1024

export class SubgraphWebSocket {
  readonly #options: SubgraphWebSocketOptions
  readonly #socket: WebSocket
  readonly #operations = new Map<string, Operation>()
  readonly #opening: NodeJS.Timeout
  #silence: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #idle: NodeJS.Timeout | undefined
  #lastId = 0
  #isAcknowledged = false
  #isOver = false

  /** Opens the connection. */
  constructor(url: string, options: SubgraphWebSocketOptions) {
    this.#options = options
    const { timeout, headers, tls } = options
    const socket = new WebSocket(url, 'graphql-transport-ws', {
      headers,
      maxPayload: options.eventLimit,
      perMessageDeflate: false,
      ...(tls ? { ca: tls.ca, cert: tls.certificate, key: tls.key } : {}),
    })
    this.#socket = socket
    this.#opening = setTimeout(
      () => this.#lose('SUBGRAPH_TIMEOUT', `no connection_ack within ${timeout} ms`),
      timeout,
    ).unref()
    const isAlive = () => void this.#silence?.refresh()
    socket
      .on('open', () => this.#opened())
      .on('message', (data, isBinary) => {
        isAlive()
        this.#receive(data as Buffer, isBinary)
      })
      .on('ping', isAlive)
      .on('pong', isAlive)
      .on('unexpected-response', (_request, response) => this.#readRefusal(response))
      .on('error', (error) => this.#failed(error))
      .on('close', (code, reason) => this.#closed(code, reason.toString()))
  }

  /** Asks for events; before the acknowledgement, the message waits. */
  subscribe(body: string, listener: UpstreamListener): Upstream {
    clearTimeout(this.#idle)
    const id = String(++this.#lastId)
    this.#operations.set(id, { body, listener })
    if (this.#isAcknowledged) this.#begin(id, body, listener)
    return {
      close: () => {
        if (!this.#operations.has(id)) return
        if (this.#isAcknowledged) this.#send({ id, type: 'complete' })
        this.#forget(id)
      },
    }
  }

  /** Ends the connection: what it carries is lost. */
  close(): void {
    this.#end(
      (listener) => listener.lost('SUBGRAPH_UNREACHABLE', 'the gateway has closed the connection'),
      () => this.#leave(),
    )
  }

  #opened(): void {
    const { headers, silence } = this.#options
    this.#send({ type: 'connection_init', payload: headers })
    this.#silence = setTimeout(
      () => this.#lose('SUBGRAPH_TIMEOUT', `no message and no pong within ${silence} ms`),
      silence,
    ).unref()
    // RFC 6455 section 5.5.2: every server has to answer a ping.
    this.#heartbeat = setInterval(() => this.#socket.ping(), silence / 3).unref()
  }

  #begin(id: string, body: string, listener: UpstreamListener): void {
    this.#write(`{"id":"${id}","type":"subscribe","payload":${body}}`)
    listener.opened()
  }

  #receive(bytes: Buffer, isBinary: boolean): void {
    if (this.#isOver) return
    const message = isBinary ? undefined : readSubgraphMessage(bytes)
    if (!message) {
      const what = isBinary ? 'a binary message' : 'a message that the protocol does not have'
      return this.#lose('SUBGRAPH_RESPONSE_INVALID', what)
    }
    switch (message.type) {
      case 'connection_ack':
        return this.#acknowledged()
      case 'ping':
        if (this.#socket.bufferedAmount < mostUnread) this.#send({ type: 'pong' })
        return
      case 'pong':
        return
    }
    if (!this.#isAcknowledged) {
      return this.#lose('SUBGRAPH_RESPONSE_INVALID', `${message.type} before connection_ack`)
    }
    // What is completed here may still get messages that were on their way.
    const operation = this.#operations.get(message.id)
    if (!operation) return
    const { listener } = operation
    switch (message.type) {
      case 'next':
        return listener.next(message.payload)
      case 'error':
        this.#forget(message.id)
        listener.next(Buffer.concat([beforeErrors, message.payload, afterErrors]))
        return listener.completed()
      case 'complete':
        this.#forget(message.id)
        return listener.completed()
    }
  }

  #acknowledged(): void {
    if (this.#isAcknowledged) return
    this.#isAcknowledged = true
    clearTimeout(this.#opening)
    for (const [id, { body, listener }] of [...this.#operations]) this.#begin(id, body, listener)
  }

  #forget(id: string): void {
    this.#operations.delete(id)
    if (this.#operations.size > 0 || this.#isOver) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      this.#end(
        () => {},
        () => this.#leave(),
      )
    }, idleTime).unref()
  }

  /** Reads the HTTP response to an upgrade that was refused. */
  #readRefusal(response: IncomingMessage): void {
    const chunks: Buffer[] = []
    let size = 0
    const responded = () => {
      const { statusCode: status = 0, headers } = response
      const refusal: UpstreamResponse = {
        status,
        retryAfter: headers['retry-after'],
        bytes: Buffer.concat(chunks),
      }
      this.#end((listener) => listener.responded(refusal))
    }
    response
      .on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > responseLimit) this.#lose('SUBGRAPH_RESPONSE_INVALID', 'not a WebSocket')
        else chunks.push(chunk)
      })
      .on('end', responded)
      .on('error', (error) => this.#failed(error))
  }

  /** An error of the network has a code; those of the protocol have one of ws or none. */
  #failed(error: Error): void {
    const { code } = error as NodeJS.ErrnoException
    const ofNetwork = code !== undefined && !code.startsWith('WS_ERR')
    const isTooLarge = code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
    this.#lose(
      ofNetwork ? 'SUBGRAPH_UNREACHABLE' : 'SUBGRAPH_RESPONSE_INVALID',
      isTooLarge
        ? 'an event larger than the limit'
        : ofNetwork
          ? `${code}: ${error.message}`
          : error.message,
    )
  }

  #closed(code: number, reason: string): void {
    const failure = failureOfCode[code] ?? 'SUBGRAPH_UNREACHABLE'
    const why =
      code === noCloseFrame
        ? 'the connection broke off'
        : `it closed the connection with ${code}${reason && `: ${reason}`}`
    this.#lose(failure, failure === 'SUBGRAPH_ERROR' ? `${why}: check its claims key` : why)
  }

  #lose(reason: UpstreamFailure, why: string): void {
    this.#end((listener) => listener.lost(reason, why))
  }

  /** @param leave closes the socket; a fault of the subgraph ends it without a word */
  #end(report: (listener: UpstreamListener) => void, leave = () => this.#socket.terminate()): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#opening)
    clearTimeout(this.#silence)
    clearTimeout(this.#idle)
    clearInterval(this.#heartbeat)
    const operations = [...this.#operations.values()]
    this.#operations.clear()
    this.#options.onEnded()
    leave()
    for (const { listener } of operations) report(listener)
  }

  #leave(): void {
    this.#socket.close(1000)
    setTimeout(() => this.#socket.terminate(), closeTime).unref()
  }

  #send(message: object): void {
    this.#write(JSON.stringify(message))
  }

  #write(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text)
  }
}

/** RFC 6455 section 7.1.5: the code of a connection that ended without a close frame. */
const noCloseFrame = 1006

/** Which closes are no loss of the connection: the subgraph refuses the gateway, or what it sends. */
const failureOfCode: Readonly<Record<number, UpstreamFailure>> = {
  1002: 'SUBGRAPH_RESPONSE_INVALID',
  1003: 'SUBGRAPH_RESPONSE_INVALID',
  1007: 'SUBGRAPH_RESPONSE_INVALID',
  1009: 'SUBGRAPH_RESPONSE_INVALID',
  [closeCodes.badRequest]: 'SUBGRAPH_RESPONSE_INVALID',
  [closeCodes.unauthorized]: 'SUBGRAPH_ERROR',
  [closeCodes.forbidden]: 'SUBGRAPH_ERROR',
  [closeCodes.subprotocolNotAcceptable]: 'SUBGRAPH_RESPONSE_INVALID',
  [closeCodes.subscriberExists]: 'SUBGRAPH_RESPONSE_INVALID',
  [closeCodes.tooManyInitialisations]: 'SUBGRAPH_RESPONSE_INVALID',
}

const beforeErrors = Buffer.from('{"errors":')
const afterErrors = Buffer.from('}')
