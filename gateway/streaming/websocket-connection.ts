/** One WebSocket of a client: the protocol graphql-transport-ws, from `connection_init` to the close. */
import type { WebSocket } from 'ws'
import { GatewayError } from '../errors.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { RequestSignal } from '../http/request-signal.ts'
import { bodyOfResult } from '../http/result-response.ts'
import { closeCodes, codeOfEndedCaller, codeOfRefusedInit } from './close-codes.ts'
import type { CallerSession } from './caller-session.ts'
import type { CloseCode } from './close-codes.ts'
import { reasonOf } from './end-reason.ts'
import type { LiveConnection } from './live-connections.ts'
import { LiveOperation } from './live-operation.ts'
import type { QueueLimits } from './live-operation.ts'
import type { StartedSubscription } from './started-subscription.ts'
import { readClientMessage } from './websocket-messages.ts'
import type { ClientMessage } from './websocket-messages.ts'

export interface WebSocketConnectionOptions {
  /** How long the client may take until `connection_init`, in milliseconds. */
  readonly initTimeout: number
  /** How often the client is asked whether it is alive, in milliseconds. */
  readonly heartbeat: number
  /** The most operations at a time. */
  readonly operations: number
  /** How long a query or a mutation may take, in milliseconds. */
  readonly deadline: number
  readonly queue: QueueLimits
  /** Identifies the caller by what `connection_init` brings; rejects with a GatewayError. */
  readonly open: (payload: Readonly<Record<string, unknown>>) => Promise<CallerSession>
  /** Called when it has ended, with the code and the reason. */
  readonly onClosed: (code: number, reason: string) => void
}

interface RunningOperation {
  /** Ends it without another word to the client. */
  close(): void
  readonly isSubscription: boolean
}

/** How many messages may wait while the caller is identified. */
const mostWaiting = 16
/** The longest reason of a close, in bytes (RFC 6455 section 5.5). */
const longestReason = 123
/** How long a client may take to respond to the close, in milliseconds. */
const closeTimeout = 2_000

export class WebSocketConnection implements LiveConnection {
  readonly #socket: WebSocket
  readonly #options: WebSocketConnectionOptions
  readonly #running = new Map<string, RunningOperation>()
  #initTimer: NodeJS.Timeout | undefined
  /** Messages that arrive while the caller is identified; undefined before and afterwards. */
  #waiting: ClientMessage[] | undefined
  #session: CallerSession | undefined
  #isInitialised = false
  #isOver = false
  #isRestarting = false
  #heardAt = performance.now()
  #askedAt = performance.now()

  constructor(socket: WebSocket, options: WebSocketConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#initTimer = setTimeout(
      () => this.close(closeCodes.initialisationTimeout, 'Connection initialisation timeout'),
      options.initTimeout,
    )
    socket.on('message', (data: Buffer, isBinary) => {
      this.#heardAt = performance.now()
      if (isBinary) return this.#refuse('Messages must be text')
      this.#receive(readClientMessage(data.toString()))
    })
    socket.on('pong', () => (this.#heardAt = performance.now()))
    // Its close follows: what the client did wrong is in the code.
    socket.on('error', () => {})
    socket.on('close', (code, reason) => this.#closed(code, reason.toString()))
  }

  /** Closes the connection; the client learns why. */
  close(code: CloseCode, reason: string): void {
    if (this.#isOver) return
    this.#socket.close(code, Buffer.from(reason).subarray(0, longestReason).toString())
    setTimeout(() => this.#socket.terminate(), closeTimeout).unref()
    this.#closed(code, reason)
  }

  tick(now: number): void {
    const refusal = this.#session?.refusal()
    if (refusal instanceof Promise) refusal.then((error) => error && this.#endCaller(error), ignore)
    else if (refusal) return this.#endCaller(refusal)
    const { heartbeat } = this.#options
    if (now - this.#askedAt < heartbeat) return
    if (this.#heardAt < this.#askedAt - heartbeat) return this.#socket.terminate()
    this.#askedAt = now
    this.#socket.ping()
  }

  /** Queries and mutations in progress are answered first: a client would send a mutation again. */
  restart(): void {
    this.#isRestarting = true
    if ([...this.#running.values()].every(({ isSubscription }) => isSubscription)) {
      this.close(closeCodes.serviceRestart, 'Service restart')
    }
  }

  #receive(message: ReturnType<typeof readClientMessage>): void {
    if (this.#isOver) return
    if ('fault' in message) return this.#refuse(message.fault)
    if (message.type === 'ping') return this.#send({ type: 'pong', payload: message.payload })
    if (message.type === 'pong') return
    if (message.type === 'connection_init') return this.#initialise(message.payload)
    if (this.#session) return this.#handle(this.#session, message)
    if (!this.#waiting) return this.close(closeCodes.unauthorized, 'Unauthorized')
    this.#waiting.push(message)
    if (this.#waiting.length > mostWaiting) this.#refuse('Too many messages before connection_ack')
  }

  #initialise(payload: Readonly<Record<string, unknown>>): void {
    if (this.#isInitialised) {
      return this.close(closeCodes.tooManyInitialisations, 'Too many initialisation requests')
    }
    // Before anything is awaited: two of these messages must not both pass.
    this.#isInitialised = true
    this.#waiting = []
    clearTimeout(this.#initTimer)
    this.#options.open(payload).then(
      (session) => this.#acknowledge(session),
      (error: unknown) => this.#refuseInit(error),
    )
  }

  #acknowledge(session: CallerSession): void {
    if (this.#isOver) return session.close()
    this.#session = session
    this.#send({ type: 'connection_ack' })
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const message of waiting) this.#receive(message)
  }

  #refuseInit(error: unknown): void {
    const { reason, row } = error instanceof GatewayError ? error : unforeseen
    const code = codeOfRefusedInit(error instanceof GatewayError ? error : unforeseen)
    this.close(code, code === closeCodes.badRequest ? `${reason}: ${row.message}` : reason)
  }

  #handle(session: CallerSession, message: ClientMessage): void {
    if (message.type === 'complete') {
      this.#running.get(message.id)?.close()
      this.#forget(message.id)
    } else if (message.type === 'subscribe' && !this.#isRestarting) {
      // A client that is asked to come back sends its operations again.
      this.#perform(session, message.id, message.payload).catch(() =>
        this.close(closeCodes.internalError, 'Internal server error'),
      )
    }
  }

  async #perform(
    session: CallerSession,
    id: string,
    payload: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    if (this.#running.has(id)) {
      return this.close(closeCodes.subscriberExists, `Subscriber for ${id} already exists`)
    }
    const { operations, deadline } = this.#options
    if (this.#running.size >= operations) return this.#fail(id, tooManyOperations)
    const signal = new RequestSignal()
    const timer = setTimeout(() => signal.abort('deadline'), deadline)
    const close = () => {
      clearTimeout(timer)
      signal.abort()
    }
    const opening: RunningOperation = { close, isSubscription: false }
    this.#running.set(id, opening)
    const refusal = await session.refusal()
    if (refusal) return this.#endCaller(refusal)
    const performed = await session.perform(payload, signal)
    clearTimeout(timer)
    // The client may have completed it, and may even have begun another one under its id.
    if (this.#running.get(id) !== opening) {
      if (performed.outcome === 'subscribed') performed.started.onEnded('client gone')
      return
    }
    switch (performed.outcome) {
      case 'executed':
        this.#next(id, performed.body)
        return this.#complete(id)
      case 'refused':
        return this.#fail(id, performed.errors)
      case 'subscribed':
        return this.#subscribe(session, id, performed.started)
    }
  }

  #subscribe(session: CallerSession, id: string, started: StartedSubscription): void {
    const { onEnded, ...parts } = started
    const operation = new LiveOperation({
      ...parts,
      refusal: () => session.refusal(),
      client: {
        next: (result) => this.#next(id, bodyOfResult(result)),
        ended: (errors) => {
          const reason = reasonOf(errors)
          this.#running.delete(id)
          onEnded(reason)
          if (reason === 'SUBSCRIPTION_TOO_SLOW' && this.#isBlocked()) {
            // The client would not see an error either; it comes back when it can read.
            return this.close(closeCodes.tryAgainLater, reason)
          }
          if (errors.length > 0) this.#fail(id, errors)
          else this.#complete(id)
        },
        refused: (error) => this.#endCaller(error),
        unread: () => this.#socket.bufferedAmount,
      },
    })
    this.#running.set(id, {
      isSubscription: true,
      close() {
        operation.close()
        onEnded('client gone')
      },
    })
  }

  #isBlocked(): boolean {
    return this.#socket.bufferedAmount > this.#options.queue.bytes
  }

  #endCaller(error: GatewayError): void {
    this.close(codeOfEndedCaller(error), error.reason)
  }

  #refuse(fault: string): void {
    this.close(closeCodes.badRequest, fault)
  }

  #next(id: string, body: ResponseData): void {
    this.#write(`{"id":${JSON.stringify(id)},"type":"next","payload":${stringOf(body).trimEnd()}}`)
  }

  #fail(id: string, errors: readonly ResponseError[]): void {
    this.#send({ id, type: 'error', payload: errors })
    this.#forget(id)
  }

  #complete(id: string): void {
    this.#send({ id, type: 'complete' })
    this.#forget(id)
  }

  #forget(id: string): void {
    this.#running.delete(id)
    if (this.#isRestarting) this.restart()
  }

  #send(message: object): void {
    this.#write(JSON.stringify(message))
  }

  #write(text: string): void {
    if (!this.#isOver) this.#socket.send(text)
  }

  #closed(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#initTimer)
    for (const { close } of this.#running.values()) close()
    this.#running.clear()
    this.#session?.close()
    this.#options.onClosed(code, reason)
  }
}

/** Whether the caller is admitted could not be found out: the next operation or event asks again. */
function ignore(): void {}

const unforeseen = new GatewayError('INTERNAL_SERVER_ERROR')

const tooManyOperations: readonly ResponseError[] = [
  {
    message: 'Too many operations on this connection: complete one of them first',
    extensions: { code: 'TOO_MANY_REQUESTS', reason: 'TOO_MANY_REQUESTS' },
  },
]
