/** A subscription that begins: what the connection needs that carries it to its client. */
import type { Caller } from '../client-request.ts'
import { Additions } from '../http/added-to-response.ts'
import { callerOfRequest } from '../http/caller-of-request.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { HttpRequest } from '../http/http-message.ts'
import { RequestSignal } from '../http/request-signal.ts'
import { RequestFacts } from '../telemetry/request-facts.ts'
import { readTraceContext } from '../telemetry/trace-context.ts'
import type { ConnectedCaller } from './connected-caller.ts'
import { documentRefusal } from './document-refusal.ts'
import type { LiveOperationParts } from './live-operation.ts'
import type { LiveSubscription } from './live-subscription.ts'
import { RenewableSubscription } from './renewable-subscription.ts'

export interface StartedSubscription extends Omit<LiveOperationParts, 'client'> {
  /** To be called when it has ended, for a reason of the error table, or as LiveObserver has them. */
  readonly onEnded: (reason: string) => void
}

/** The subscription of a request. */
export interface RequestedSubscription {
  /** As it has been performed for the first time. */
  readonly subscription: LiveSubscription
  readonly graphqlRequest: GraphqlRequest
  readonly facts: RequestFacts
  readonly caller: ConnectedCaller
}

/**
 * Returns the subscription of a request, counted as open until `onEnded` is called; throws a GatewayError if its
 * caller has too many.
 */
export function startSubscription({
  subscription,
  graphqlRequest,
  facts,
  caller,
}: RequestedSubscription): StartedSubscription {
  const { connections, observer } = caller.gateway().live
  const { requestId } = facts
  // It lives long: what it needs no more must not stay in memory, such as the schema of its first operation.
  const request: HttpRequest = { ...facts.request, body: noBody, signal: undefined, requestId }
  const traceContext = facts.traceContext ?? readTraceContext(request.headers)
  const ending = factsOfEnd(facts, request)
  const signal = new RequestSignal()
  const callerNow = callerWithClient(caller, request)
  const id = facts.documentUse === 'id' ? facts.document?.id : undefined
  let events = 0
  const { clientAddress: address } = request
  const uncount = connections.countOperation({ caller: caller.now(), address })
  observer.started()
  return {
    subscription: new RenewableSubscription(subscription, (client) =>
      caller.gateway().perform(graphqlRequest, client, new RequestFacts(request)),
    ),
    request: () => ({
      caller: callerNow(),
      requestId,
      traceContext,
      signal,
      added: new Additions(),
    }),
    refusal: () => caller.refusal(),
    documentRefusal: documentRefusal({ query: graphqlRequest.query, id }, caller, request),
    queue: () => caller.gateway().live.queue,
    observer: {
      delivered() {
        events++
        observer.delivered()
      },
      dropped: (count) => observer.dropped(count),
    },
    onFailure: (cause) => caller.gateway().errorsFor({ requestId }, cause),
    onEnded(reason) {
      signal.abort()
      uncount()
      observer.ended(reason)
      ending.caller = caller.now()
      const { onEnded, log } = caller.gateway().live
      onEnded?.({ reason, events }, ending)
      log.debug({ requestId, reason }, 'subscription ended')
    },
  }
}

const noBody = new Uint8Array()

/** Returns what the access log says at the end, of that which is known at the start. */
function factsOfEnd(facts: RequestFacts, request: HttpRequest): RequestFacts {
  const ending = new RequestFacts(request)
  const { query, operation, trace } = facts
  facts.draw ??= Math.random()
  return Object.assign(ending, {
    query,
    operation: operation && { document: operation.document, operation: operation.operation },
    trace,
    draw: facts.draw,
  })
}

/** Returns the function that returns the caller with its client: the same object while the caller is. */
function callerWithClient(caller: ConnectedCaller, request: RequestFacts['request']): () => Caller {
  let known: Caller | undefined
  let complete: Caller
  return () => {
    const now = caller.now()
    if (now !== known) complete = callerOfRequest(now, request)
    known = now
    return complete
  }
}
