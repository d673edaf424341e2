/** What the gateway does for the caller of a connection: each operation is a request of its own. */
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { HttpRequest, HttpResponse } from '../http/http-message.ts'
import { json } from '../http/media-type.ts'
import type { Parameters } from '../http/persisted-query.ts'
import { requestOf } from '../http/read-graphql-request.ts'
import type { RequestSignal } from '../http/request-signal.ts'
import { resultResponse } from '../http/result-response.ts'
import { observedClient } from '../telemetry/observed-client.ts'
import { connectCaller } from './connected-caller.ts'
import type { ConnectedCaller } from './connected-caller.ts'
import type { LiveParts } from './live-parts.ts'
import type { Serving } from './serving-gateway.ts'
import { startSubscription } from './started-subscription.ts'
import type { StartedSubscription } from './started-subscription.ts'

export type PerformedOperation =
  | { readonly outcome: 'executed'; readonly body: ResponseData }
  | { readonly outcome: 'refused'; readonly errors: readonly ResponseError[] }
  | { readonly outcome: 'subscribed'; readonly started: StartedSubscription }

/** Returns the session of the caller of a connection; it rejects with a GatewayError. */
export async function openSession(request: HttpRequest, serving: Serving): Promise<CallerSession> {
  return new CallerSession(await connectCaller(request, serving), request)
}

export class CallerSession {
  readonly caller: ConnectedCaller
  readonly #request: HttpRequest

  constructor(caller: ConnectedCaller, request: HttpRequest) {
    this.caller = caller
    this.#request = request
  }

  /** The settings by which it is served. */
  get live(): LiveParts {
    return this.caller.gateway().live
  }

  /** Performs an operation; it never rejects. */
  async perform(parameters: Parameters, signal: RequestSignal): Promise<PerformedOperation> {
    const { begin, count, withDocument, perform, refuse, end, realm } = this.caller.gateway()
    const facts = begin({ ...this.#request, requestId: undefined, signal })
    facts.caller = this.caller.now()
    try {
      const counted = count(facts)
      if (counted) await counted
      const graphqlRequest = requestOf(withDocument(parameters, facts), 'POST', undefined)
      const result = await perform(graphqlRequest, observedClient(facts.caller, facts), facts)
      if ('open' in result) {
        const requested = { subscription: result, graphqlRequest, facts, caller: this.caller }
        const started = startSubscription(requested)
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
    this.caller.close()
  }
}

/** What a subscription over a WebSocket has instead of a response. */
const accepted: HttpResponse = { status: 200, headers: {}, body: '' }
