/** A subscription that begins: what the connection needs that carries it to its client. */
import type { Caller, ClientRequest } from '../client-request.ts'
import { callerOfRequest } from '../http/caller-of-request.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { Refusals } from '../http/refusals.ts'
import { RequestSignal } from '../http/request-signal.ts'
import type { OperationResult } from '../http/result-response.ts'
import { RequestFacts } from '../telemetry/request-facts.ts'
import { readTraceContext } from '../telemetry/trace-context.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveOperationParts } from './live-operation.ts'
import type { LiveSubscription } from './live-subscription.ts'
import { RenewableSubscription } from './renewable-subscription.ts'

export interface StartedSubscription extends Omit<LiveOperationParts, 'client' | 'refusal'> {
  /** To be called when it has ended, for a reason of the error table, or as LiveObserver has them. */
  readonly onEnded: (reason: string) => void
}

/** Performs an operation up to its result, or up to a subscription that can be opened. */
export type Perform = (
  graphqlRequest: GraphqlRequest,
  client: ClientRequest,
  facts: RequestFacts,
) => Promise<OperationResult | LiveSubscription>

/** The subscription of a request. */
export interface RequestedSubscription {
  /** As it has been performed for the first time. */
  readonly subscription: LiveSubscription
  readonly graphqlRequest: GraphqlRequest
  readonly facts: RequestFacts
  /** Returns its caller, which may have another access token than before. */
  readonly caller: () => Caller
}

export interface StartParts extends Pick<Refusals, 'errorsFor'> {
  readonly live: LiveParts
  readonly perform: Perform
}

/** Returns the subscription of a request, counted as open until `onEnded` is called. */
export function startSubscription(
  { subscription, graphqlRequest, facts, caller }: RequestedSubscription,
  { live, perform, errorsFor }: StartParts,
): StartedSubscription {
  const { queue, observer, log } = live
  const { request, requestId } = facts
  const traceContext = facts.traceContext ?? readTraceContext(request.headers)
  const signal = new RequestSignal()
  const callerNow = callerWithClient(caller, request)
  observer.started()
  return {
    subscription: new RenewableSubscription(subscription, (client) =>
      // What is known of the first time has been reported, and would keep its schema in memory.
      perform(graphqlRequest, client, new RequestFacts({ ...request, requestId })),
    ),
    request: () => ({
      caller: callerNow(),
      requestId,
      traceContext,
      signal,
      setCookies: [],
    }),
    queue,
    observer,
    onFailure: (cause) => errorsFor({ requestId }, cause),
    onEnded(reason) {
      signal.abort()
      observer.ended(reason)
      log.debug({ requestId, reason }, 'subscription ended')
    },
  }
}

/** Returns the function that returns the caller with its client: the same object while the caller is. */
function callerWithClient(caller: () => Caller, request: RequestFacts['request']): () => Caller {
  let known: Caller | undefined
  let complete: Caller
  return () => {
    const now = caller()
    if (now !== known) complete = callerOfRequest(now, request)
    known = now
    return complete
  }
}
