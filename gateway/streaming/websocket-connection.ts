/** One WebSocket of a client: the protocol graphql-transport-ws, from `connection_init` to the close. */
import type { WebSocket } from 'ws'
import { GatewayError } from '../errors.ts'
import type { RequestHeaders } from '../http/http-message.ts'
import type { CallerSession } from './caller-session.ts'
import { closeCodes, codeOfEndedCaller, codeOfRefusedInit } from './close-codes.ts'
import type { CloseCode } from './close-codes.ts'
import type { LiveConnection } from './live-connections.ts'
import { onlyCredentials } from './websocket-credentials.ts'
import { readClientMessage } from './websocket-messages.ts'
import type { ClientMessage } from './websocket-messages.ts'
import { WebSocketOperations } from './websocket-operations.ts'
import type { OperationsConnection } from './websocket-operations.ts'
import { WebSocketOutput } from './websocket-output.ts'
import { WebSocketToken } from './websocket-token.ts'

export interface WebSocketConnectionParts {
  /** Those of the upgrade. */
  readonly headers: RequestHeaders
  /** The headers, in lower case, that may hold credentials. */
  readonly credentialHeaders: readonly string[]
  /** How long the client may take until `connection_init`, in milliseconds. */
  readonly initTimeout: number
  /** Identifies the caller by what `connection_init` brings; rejects with a GatewayError. */
  readonly open: (payload: Readonly<Record<string, unknown>>) => Promise<CallerSession>
  /** Called when it has ended, with the code and the reason. */
  readonly onClosed: (code: number, reason: string) => void
}

/** How many messages may wait while the caller is identified. */
const mostWaiting = 16
/** The longest reason of a close, in bytes (RFC 6455 section 5.5). */
const longestReason = 123
/** How long a client may take to respond to the close, in milliseconds. */
const closeTimeout = 2_000

/** What there is once the caller is known. */
interface Acknowledged {
  readonly session: CallerSession
  readonly operations: WebSocketOperations
  readonly token: WebSocketToken
}

export class WebSocketConnection implements LiveConnection, OperationsConnection {
  readonly #socket: WebSocket
  readonly #output: WebSocketOutput
  readonly #headers: RequestHeaders
  readonly #onClosed: WebSocketConnectionParts['onClosed']
  readonly #credentialHeaders: readonly string[]
  /** Undefined after `connection_init`. */
  #open: WebSocketConnectionParts['open'] | undefined
  readonly #initTimer: NodeJS.Timeout
  /** Messages that arrive while the caller is identified; undefined before and afterwards. */
  #waiting: ClientMessage[] | undefined
  #acknowledged: Acknowledged | undefined
  #isOver = false
  #heardAt = performance.now()
  #askedAt = performance.now()

  constructor(socket: WebSocket, parts: WebSocketConnectionParts) {
    this.#socket = socket
    this.#output = new WebSocketOutput(socket)
    this.#headers = parts.headers
    this.#credentialHeaders = parts.credentialHeaders
    this.#open = parts.open
    this.#onClosed = parts.onClosed
    this.#initTimer = setTimeout(
      () => this.close(closeCodes.initialisationTimeout, 'Connection initialisation timeout'),
      parts.initTimeout,
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

  refused(error: GatewayError): void {
    // The configuration has none any longer: the client learns that when it comes back.
    if (error.reason === 'SUBSCRIPTIONS_NOT_SUPPORTED') return this.restart()
    this.#acknowledged?.operations.end(error.reason)
    this.close(codeOfEndedCaller(error), error.reason)
  }

  check(): Promise<void> | void {
    const refusal = this.#acknowledged?.session.caller.refusal()
    if (refusal instanceof Promise) {
      return refusal.then((error) => error && this.refused(error), ignore)
    }
    if (refusal) this.refused(refusal)
  }

  beat(now: number): void {
    if (!this.#acknowledged) return
    const { token, session } = this.#acknowledged
    token.remind()
    const { heartbeat } = session.live
    if (now - this.#askedAt < heartbeat) return
    if (this.#heardAt < this.#askedAt - heartbeat) return this.#socket.terminate()
    this.#askedAt = now
    this.#socket.ping()
  }

  restart(): void {
    const close = () => {
      this.#acknowledged?.operations.end('restart')
      this.close(closeCodes.serviceRestart, 'Service restart')
    }
    if (this.#acknowledged) void this.#acknowledged.operations.finish().then(close)
    else close()
  }

  #receive(message: ReturnType<typeof readClientMessage>): void {
    if (this.#isOver) return
    if ('fault' in message) return this.#refuse(message.fault)
    if (message.type === 'ping' && !this.#credentialsIn(message.payload)) {
      return this.#output.pong(message.payload)
    }
    if (message.type === 'pong') return
    if (message.type === 'connection_init') return this.#initialise(message.payload)
    if (this.#acknowledged) return this.#handle(this.#acknowledged, message)
    if (!this.#waiting) return this.close(closeCodes.unauthorized, 'Unauthorized')
    this.#waiting.push(message)
    if (this.#waiting.length > mostWaiting) this.#refuse('Too many messages before connection_ack')
  }

  #initialise(payload: Readonly<Record<string, unknown>>): void {
    const open = this.#open
    if (!open) {
      return this.close(closeCodes.tooManyInitialisations, 'Too many initialisation requests')
    }
    // Before anything is awaited: two of these messages must not both pass.
    this.#open = undefined
    this.#waiting = []
    clearTimeout(this.#initTimer)
    open(payload).then(
      (session) => this.#acknowledge(session),
      (error: unknown) => this.#refuseInit(error),
    )
  }

  #acknowledge(session: CallerSession): void {
    if (this.#isOver) return session.close()
    const [output, { caller }] = [this.#output, session]
    const operations = new WebSocketOperations({ session, output, connection: this })
    const token = new WebSocketToken({ caller, operations, output, connection: this })
    this.#acknowledged = { session, operations, token }
    output.acknowledge()
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
    const names = this.#acknowledged?.session.live.credentialHeaders ?? this.#credentialHeaders
    return onlyCredentials(this.#headers, payload, names)
  }

  #handle({ operations, token }: Acknowledged, message: ClientMessage): void {
    switch (message.type) {
      case 'ping':
        return token.replace(this.#credentialsIn(message.payload)!)
      case 'complete':
        return operations.complete(message.id)
      case 'subscribe':
        return operations.subscribe(message.id, message.payload)
    }
  }

  #refuse(fault: string): void {
    this.close(closeCodes.badRequest, fault)
  }

  #closed(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#initTimer)
    this.#acknowledged?.operations.end('client gone')
    this.#acknowledged?.session.close()
    this.#onClosed(code, reason)
  }
}

/** Whether the caller is admitted could not be found out: the next operation or event asks again. */
function ignore(): void {}

const unforeseen = new GatewayError('INTERNAL_SERVER_ERROR')
