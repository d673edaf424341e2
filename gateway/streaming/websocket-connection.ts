/** One WebSocket of a client: the protocol graphql-transport-ws, from `connection_init` to the close. */
import type { WebSocket } from 'ws'
import { GatewayError } from '../errors.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { RequestHeaders } from '../http/http-message.ts'
import { RequestSignal } from '../http/request-signal.ts'
import { bodyOfResult } from '../http/result-response.ts'
import type { OperationResult } from '../http/result-response.ts'
import { isObject } from '../values/json.ts'
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
import { writtenOnce } from './written-once.ts'

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
  /** Returns the headers that identify a caller by what a later message brings; undefined without credentials. */
  readonly credentialsOf: (payload: Readonly<Record<string, unknown>>) => RequestHeaders | undefined
  /** Called when it has ended, with the code and the reason. */
  readonly onClosed: (code: number, reason: string) => void
}

interface RunningOperation {
  /** Ends it without another word to the client, for a reason as LiveObserver has them. */
  close(reason: string): void
  /** Prepares it anew for its caller, which has changed; undefined for a query or a mutation. */
  readonly renew?: () => Promise<void>
}

/** How many messages may wait while the caller is identified. */
const mostWaiting = 16
/** The longest reason of a close, in bytes (RFC 6455 section 5.5). */
const longestReason = 123
/** How long before its end the client is reminded of another access token, in seconds. */
const reminder = 30
/** How often a client may send another access token, per minute. */
const mostTokens = 10
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
  #isReminded = false
  /** When the client has sent access tokens within the last minute, as `performance.now()` counts. */
  #tokensAt: number[] = []
  #authenticating = Promise.resolve()
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
    this.#remind()
    const { heartbeat } = this.#options
    if (now - this.#askedAt < heartbeat) return
    if (this.#heardAt < this.#askedAt - heartbeat) return this.#socket.terminate()
    this.#askedAt = now
    this.#socket.ping()
  }

  /** Queries and mutations in progress are answered first: a client would send a mutation again. */
  restart(): void {
    this.#isRestarting = true
    if ([...this.#running.values()].every(({ renew }) => renew)) {
      this.#endOperations('restart')
      this.close(closeCodes.serviceRestart, 'Service restart')
    }
  }

  #receive(message: ReturnType<typeof readClientMessage>): void {
    if (this.#isOver) return
    if ('fault' in message) return this.#refuse(message.fault)
    if (message.type === 'ping' && !this.#credentialsIn(message.payload)) {
      return this.#send({ type: 'pong', payload: message.payload })
    }
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

  #credentialsIn(payload: unknown): RequestHeaders | undefined {
    return isObject(payload) ? this.#options.credentialsOf(payload) : undefined
  }

  /** A client may replace its access token, one after the other: the last one counts. */
  #replaceToken(session: CallerSession, headers: RequestHeaders): void {
    const now = performance.now()
    this.#tokensAt = this.#tokensAt.filter((at) => now - at < 60_000)
    this.#tokensAt.push(now)
    if (this.#tokensAt.length > mostTokens) {
      return this.close(closeCodes.tryAgainLater, 'Too many access tokens: wait for a minute')
    }
    this.#authenticating = this.#authenticating.then(() =>
      this.#authenticateAgain(session, headers).catch((error: unknown) => this.#endFor(error)),
    )
  }

  async #authenticateAgain(session: CallerSession, headers: RequestHeaders): Promise<void> {
    if (this.#isOver) return
    const hasChanged = await session.authenticateAgain(headers)
    this.#isReminded = false
    this.#send({ type: 'pong', payload: { tokenExpiresIn: session.secondsLeft() } })
    if (!hasChanged) return
    for (const { renew } of this.#running.values()) void renew?.()
  }

  #endFor(error: unknown): void {
    if (error instanceof GatewayError) this.#endCaller(error)
    else this.close(closeCodes.internalError, 'Internal server error')
  }

  /** Reminds the client, once per access token, that it ends soon. */
  #remind(): void {
    const left = this.#session?.secondsLeft()
    if (left === undefined || left > reminder || this.#isReminded) return
    this.#isReminded = true
    this.#send({ type: 'ping', payload: { tokenExpiresIn: left } })
  }

  #handle(session: CallerSession, message: ClientMessage): void {
    if (message.type === 'ping') {
      this.#replaceToken(session, this.#credentialsIn(message.payload)!)
    } else if (message.type === 'complete') {
      this.#running.get(message.id)?.close('client gone')
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
    const opening: RunningOperation = { close }
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
    const head = Buffer.from(headOfNext(id))
    const operation = new LiveOperation({
      ...parts,
      refusal: () => session.refusal(),
      client: {
        next: (result) => this.#sendEvent(head, result),
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
      renew: () => operation.renew(),
      close(reason) {
        operation.close()
        onEnded(reason)
      },
    })
  }

  #isBlocked(): boolean {
    return this.#socket.bufferedAmount > this.#options.queue.bytes
  }

  #endCaller(error: GatewayError): void {
    this.#endOperations(error.reason)
    this.close(codeOfEndedCaller(error), error.reason)
  }

  #endOperations(reason: string): void {
    const running = [...this.#running.values()]
    this.#running.clear()
    for (const { close } of running) close(reason)
  }

  #refuse(fault: string): void {
    this.close(closeCodes.badRequest, fault)
  }

  #next(id: string, body: ResponseData): void {
    this.#write(`${headOfNext(id)}${stringOf(body).trimEnd()}}`)
  }

  #sendEvent(head: Buffer, result: OperationResult): void {
    if (!this.#isOver)
      this.#socket.send(Buffer.concat([head, restOfNext(result)]), { binary: false })
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
    this.#endOperations('client gone')
    this.#session?.close()
    this.#options.onClosed(code, reason)
  }
}

/** Returns the message `next` up to its payload. */
function headOfNext(id: string): string {
  return `{"id":${JSON.stringify(id)},"type":"next","payload":`
}

/** The payload of `next`, and the end of the message. */
const restOfNext = writtenOnce((result) => `${stringOf(bodyOfResult(result)).trimEnd()}}`)

/** Whether the caller is admitted could not be found out: the next operation or event asks again. */
function ignore(): void {}

const unforeseen = new GatewayError('INTERNAL_SERVER_ERROR')

const tooManyOperations: readonly ResponseError[] = [
  {
    message: 'Too many operations on this connection: complete one of them first',
    extensions: { code: 'TOO_MANY_REQUESTS', reason: 'TOO_MANY_REQUESTS' },
  },
]
