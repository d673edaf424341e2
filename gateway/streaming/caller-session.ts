/** The caller of a connection, and what the gateway does for it: each operation is a request of its own. */
import type { Caller } from '../client-request.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from '../http/http-message.ts'
import { json } from '../http/media-type.ts'
import { requestOf } from '../http/read-graphql-request.ts'
import type { GraphqlRequest, Parameters } from '../http/read-graphql-request.ts'
import type { Refusals } from '../http/refusals.ts'
import type { RequestSignal } from '../http/request-signal.ts'
import { resultResponse } from '../http/result-response.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import type { Refusal } from './live-operation.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveSubscription } from './live-subscription.ts'
import { startSubscription } from './started-subscription.ts'
import type { StartedSubscription } from './started-subscription.ts'

/** What a connection does for its caller, once it is known who that is. */
export interface CallerSession {
  /** Returns why the caller is no longer admitted; undefined while it is. */
  refusal(): Refusal | Promise<Refusal>
  /** Performs an operation; it never rejects. */
  perform(parameters: Parameters, signal: RequestSignal): Promise<PerformedOperation>
  /** Called when the connection has ended. */
  close(): void
}

export type PerformedOperation =
  | { readonly outcome: 'executed'; readonly body: ResponseData }
  | { readonly outcome: 'refused'; readonly errors: readonly ResponseError[] }
  | { readonly outcome: 'subscribed'; readonly started: StartedSubscription }

/** What a session needs of the gateway. */
export interface CallerSessionParts extends Refusals {
  /** Returns the caller that the headers identify; throws or rejects with a GatewayError. */
  authenticate(headers: RequestHeaders, requestId?: string): Caller | Promise<Caller>
  /** Returns what is known of a request that begins. */
  begin(request: HttpRequest): RequestFacts
  /** Performs an operation up to its result, or up to a subscription that can be opened. */
  perform(
    graphqlRequest: GraphqlRequest,
    caller: Caller,
    facts: RequestFacts,
  ): Promise<OperationResult | LiveSubscription>
  /** Reports a response. */
  end(response: HttpResponse, facts: RequestFacts): void
  readonly realm: string
  readonly live: LiveParts
}

/** Returns the session of the caller of a connection; it rejects with a GatewayError. */
export async function openSession(
  request: HttpRequest,
  parts: CallerSessionParts,
): Promise<CallerSession> {
  const { connections, recheck } = parts.live
  const caller = await parts.authenticate(request.headers, request.requestId)
  const uncount = connections.count({ caller, address: request.clientAddress })
  return {
    refusal: () => recheck(caller),
    perform: (parameters, signal) =>
      performFor(caller, { ...request, requestId: undefined, signal }, parameters, parts),
    close: uncount,
  }
}

async function performFor(
  caller: Caller,
  request: HttpRequest,
  parameters: Parameters,
  parts: CallerSessionParts,
): Promise<PerformedOperation> {
  const { begin, perform, refuse, end, realm } = parts
  const facts = begin(request)
  facts.caller = caller
  try {
    const graphqlRequest = requestOf(parameters, 'POST', undefined)
    const result = await perform(graphqlRequest, caller, facts)
    if ('open' in result) {
      end(accepted, facts)
      return { outcome: 'subscribed', started: startSubscription(result, caller, facts, parts) }
    }
    const { requestId } = facts
    const response = resultResponse(result, { mediaType: json, realm, setCookies: [], requestId })
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

/** What a subscription over a WebSocket has instead of a response. */
const accepted: HttpResponse = { status: 200, headers: {}, body: '' }
