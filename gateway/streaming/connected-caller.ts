/** The caller of a connection, while the connection lives: each gateway that serves it has judged its caller. */
import type { Caller } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import type { HttpRequest, RequestHeaders } from '../http/http-message.ts'
import type { Refusal } from './live-operation.ts'
import type { Serving, ServingGateway } from './serving-gateway.ts'

/** Returns the caller that a request identifies, counted for its connection; rejects with a GatewayError. */
export async function connectCaller(
  request: HttpRequest,
  serving: Serving,
): Promise<ConnectedCaller> {
  const gateway = servingNow(serving)
  const caller = await gateway.authenticate(
    request.headers,
    request.requestId,
    request.clientAddress ?? '',
  )
  return new ConnectedCaller(caller, { request, gateway, serving })
}

export interface ConnectedCallerParts {
  readonly request: Pick<HttpRequest, 'headers' | 'clientAddress' | 'requestId'>
  /** The one that has identified the caller. */
  readonly gateway: ServingGateway
  readonly serving: Serving
}

export class ConnectedCaller {
  readonly #address: string | undefined
  readonly #requestId: string | undefined
  readonly #serving: Serving
  /** The one that has judged the caller last. */
  #gateway: ServingGateway
  /** What it was judged by. */
  #headers: RequestHeaders
  #caller: Caller
  #uncount: () => void
  /** Changes of the caller come one after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  #following: Promise<Refusal> | undefined
  #isClosed = false

  /** Counts the connection for its caller; throws a GatewayError if it has too many. */
  constructor(caller: Caller, { request, gateway, serving }: ConnectedCallerParts) {
    this.#address = request.clientAddress
    this.#requestId = request.requestId
    this.#headers = request.headers
    this.#serving = serving
    this.#gateway = gateway
    this.#caller = caller
    this.#uncount = this.#count(gateway, caller)
  }

  /** Returns who it is now. */
  now(): Caller {
    return this.#caller
  }

  /** Returns the gateway that serves it. */
  gateway(): ServingGateway {
    return this.#gateway
  }

  /**
   * Returns why the caller is no longer admitted; undefined while it is. After a change of the configuration,
   * its access token is judged anew first, as that of a new connection would be.
   */
  refusal(): Refusal | Promise<Refusal> {
    if (this.#isServed()) return this.#gateway.live.recheck(this.#caller)
    return (this.#following ??= this.#inTurn(() => this.#followOrRefuse()))
  }

  /** Returns how long the access token is still valid, in seconds; undefined for an anonymous caller. */
  secondsLeft(): number | undefined {
    const { expiresAt } = this.#caller
    if (expiresAt === undefined) return undefined
    return Math.max(0, Math.ceil(expiresAt - Date.now() / 1_000))
  }

  /**
   * Gives the caller the access token that the headers have. An anonymous caller may become anybody, all
   * others stay who they are. Returns whether the gateway knows anything else of it now; rejects with a
   * GatewayError.
   */
  authenticateAgain(headers: RequestHeaders): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#follow()
      const before = this.#caller
      await this.#judge(headers, this.#address ?? '')
      return !isSameFor(before, this.#caller)
    })
  }

  /** To be called when the connection has ended. */
  close(): void {
    this.#isClosed = true
    this.#uncount()
  }

  #isServed(): boolean {
    return this.#serving() === this.#gateway
  }

  async #followOrRefuse(): Promise<Refusal> {
    try {
      await this.#follow()
      return undefined
    } catch (error) {
      if (error instanceof GatewayError) return error
      throw error
    } finally {
      this.#following = undefined
    }
  }

  /**
   * Lets the gateway that serves now judge the caller, if another one did. That is no attempt to guess a credential:
   * it does not end because others of its network have failed.
   */
  async #follow(): Promise<void> {
    while (!this.#isServed()) await this.#judge(this.#headers, undefined)
  }

  async #judge(headers: RequestHeaders, address: string | undefined): Promise<void> {
    const gateway = servingNow(this.#serving)
    const before = this.#caller
    const caller = await gateway.authenticate(headers, this.#requestId, address)
    if (before.claims && !gateway.live.isSameLogin(before, caller)) {
      throw new GatewayError('SUBJECT_CHANGED')
    }
    if (!before.claims && !this.#isClosed) {
      const uncount = this.#count(gateway, caller)
      this.#uncount()
      this.#uncount = uncount
    }
    this.#gateway = gateway
    this.#headers = headers
    this.#caller = caller
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(change)
    this.#changes = changed.catch(() => {})
    return changed
  }

  #count({ live }: ServingGateway, caller: Caller): () => void {
    return live.connections.count({ caller, address: this.#address })
  }
}

function servingNow(serving: Serving): ServingGateway {
  const gateway = serving()
  if (!gateway) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
  return gateway
}

/** Whether guards, policies and subgraphs see the same of two callers. */
function isSameFor(before: Caller, after: Caller): boolean {
  return seenOf(before) === seenOf(after)
}

function seenOf({ claims, verifiedClaims, accessToken }: Caller): string {
  const verified = verifiedClaims && { ...verifiedClaims, ...ofEachToken }
  return JSON.stringify([claims, verified, accessToken])
}

/** These differ in each access token of a login. */
const ofEachToken = { exp: undefined, iat: undefined, nbf: undefined, jti: undefined }
