/** The caller of a connection, and what the gateway does for it: each operation is a request of its own. */
import type { Caller } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { Realm } from '../http/bearer-challenge.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from '../http/http-message.ts'
import { json } from '../http/media-type.ts'
import { requestOf } from '../http/read-graphql-request.ts'
import type { Parameters } from '../http/read-graphql-request.ts'
import type { Refusals } from '../http/refusals.ts'
import type { RequestSignal } from '../http/request-signal.ts'
import { resultResponse } from '../http/result-response.ts'
import { observedClient } from '../telemetry/observed-client.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import type { Refusal } from './live-operation.ts'
import { startSubscription } from './started-subscription.ts'
import type { StartedSubscription, StartParts } from './started-subscription.ts'

export type PerformedOperation =
  | { readonly outcome: 'executed'; readonly body: ResponseData }
  | { readonly outcome: 'refused'; readonly errors: readonly ResponseError[] }
  | { readonly outcome: 'subscribed'; readonly started: StartedSubscription }

/** What a session needs of the gateway. */
export interface CallerSessionParts extends StartParts, Pick<Refusals, 'refuse'> {
  /** Returns the caller that the headers identify; throws or rejects with a GatewayError. */
  authenticate(headers: RequestHeaders, requestId?: string): Caller | Promise<Caller>
  /** Returns what is known of a request that begins. */
  begin(request: HttpRequest): RequestFacts
  /** Reports a response. */
  end(response: HttpResponse, facts: RequestFacts): void
  readonly realm: Realm
}

/** Returns the session of the caller of a connection; it rejects with a GatewayError. */
export async function openSession(
  request: HttpRequest,
  parts: CallerSessionParts,
): Promise<CallerSession> {
  const caller = await parts.authenticate(request.headers, request.requestId)
  return new CallerSession(caller, request, parts)
}

/** What a connection does for its caller, once it is known who that is. */
export class CallerSession {
  #caller: Caller
  readonly #request: HttpRequest
  readonly #parts: CallerSessionParts
  #uncount: () => void
  #isClosed = false

  /** Counts the connection for its caller; throws a GatewayError if it has too many. */
  constructor(caller: Caller, request: HttpRequest, parts: CallerSessionParts) {
    this.#caller = caller
    this.#request = request
    this.#parts = parts
    this.#uncount = this.#count(caller)
  }

  /** Returns why the caller is no longer admitted; undefined while it is. */
  refusal(): Refusal | Promise<Refusal> {
    return this.#parts.live.recheck(this.#caller)
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
  async authenticateAgain(headers: RequestHeaders): Promise<boolean> {
    const { authenticate, live } = this.#parts
    const before = this.#caller
    const caller = await authenticate(headers, this.#request.requestId)
    if (before.claims && !live.isSameLogin(before, caller)) {
      throw new GatewayError('SUBJECT_CHANGED')
    }
    if (this.#isClosed) return false
    if (!before.claims) {
      const uncount = this.#count(caller)
      this.#uncount()
      this.#uncount = uncount
    }
    this.#caller = caller
    return !isSameFor(before, caller)
  }

  /** Performs an operation; it never rejects. */
  async perform(parameters: Parameters, signal: RequestSignal): Promise<PerformedOperation> {
    const { begin, perform, refuse, end, realm } = this.#parts
    const facts = begin({ ...this.#request, requestId: undefined, signal })
    facts.caller = this.#caller
    try {
      const graphqlRequest = requestOf(parameters, 'POST', undefined)
      const result = await perform(graphqlRequest, observedClient(this.#caller, facts), facts)
      if ('open' in result) {
        const caller = () => this.#caller
        const requested = { subscription: result, graphqlRequest, facts, caller }
        const started = startSubscription(requested, this.#parts)
        end(accepted, facts)
        return { outcome: 'subscribed', started }
      }
      const { requestId } = facts
      const response = resultResponse(result, { mediaType: json, realm, requestId })
      end(response, facts)
      const isRefused = facts.operation?.operation.operation === 'subscription'
      return isRefused && result.errors.length > 0
        ? { outcome: 'refused', errors: result.errors }
        : { outcome: 'executed', body: response.body }
    } catch (error) {
      const response = refuse(facts, error)
      end(response, facts)
      const { errors } = JSON.parse(stringOf(response.body)) as { errors: ResponseError[] }
      return { outcome: 'refused', errors }
    }
  }

  /** To be called when the connection has ended. */
  close(): void {
    this.#isClosed = true
    this.#uncount()
  }

  #count(caller: Caller): () => void {
    const { clientAddress: address } = this.#request
    return this.#parts.live.connections.count({ caller, address })
  }
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

/** What a subscription over a WebSocket has instead of a response. */
const accepted: HttpResponse = { status: 200, headers: {}, body: '' }
