/** The access token of a WebSocket: its client is reminded of its end, and may send another one. */
import { GatewayError } from '../errors.ts'
import type { RequestHeaders } from '../http/http-message.ts'
import { closeCodes } from './close-codes.ts'
import type { ConnectedCaller } from './connected-caller.ts'
import type { WebSocketOperations, OperationsConnection } from './websocket-operations.ts'
import type { WebSocketOutput } from './websocket-output.ts'

export interface WebSocketTokenParts {
  readonly caller: ConnectedCaller
  readonly operations: WebSocketOperations
  readonly output: WebSocketOutput
  readonly connection: OperationsConnection
}

/** How long before its end the client is reminded of another access token, in seconds. */
const reminder = 30
/** How often a client may send another access token, per minute. */
const mostTokens = 10

export class WebSocketToken {
  readonly #parts: WebSocketTokenParts
  #isReminded = false
  /** When the client has sent others within the last minute, as `performance.now()` counts. */
  #sentAt: number[] = []

  constructor(parts: WebSocketTokenParts) {
    this.#parts = parts
  }

  /** Reminds the client, once per access token, that it ends soon. */
  remind(): void {
    const { caller, output } = this.#parts
    const left = caller.secondsLeft()
    if (left === undefined || left > reminder || this.#isReminded) return
    this.#isReminded = true
    output.ping({ tokenExpiresIn: left })
  }

  /** Replaces it by that of the headers. Of several, one after the other, the last one counts. */
  replace(headers: RequestHeaders): void {
    const { connection } = this.#parts
    const now = performance.now()
    this.#sentAt = this.#sentAt.filter((at) => now - at < 60_000)
    this.#sentAt.push(now)
    if (this.#sentAt.length > mostTokens) {
      return connection.close(closeCodes.tryAgainLater, 'Too many access tokens: wait for a minute')
    }
    this.#authenticateAgain(headers).catch((error: unknown) => {
      if (error instanceof GatewayError) connection.refused(error)
      else connection.close(closeCodes.internalError, 'Internal server error')
    })
  }

  async #authenticateAgain(headers: RequestHeaders): Promise<void> {
    const { caller, operations, output } = this.#parts
    const hasChanged = await caller.authenticateAgain(headers)
    this.#isReminded = false
    output.pong({ tokenExpiresIn: caller.secondsLeft() })
    if (hasChanged) operations.renew()
  }
}
