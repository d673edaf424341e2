/** A subscription that begins: what the connection needs that carries it to its client. */
import type { Caller } from '../client-request.ts'
import { callerOfRequest } from '../http/caller-of-request.ts'
import type { Refusals } from '../http/refusals.ts'
import { RequestSignal } from '../http/request-signal.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import { readTraceContext } from '../telemetry/trace-context.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveOperationParts } from './live-operation.ts'
import type { LiveSubscription } from './live-subscription.ts'

export interface StartedSubscription extends Omit<LiveOperationParts, 'client' | 'refusal'> {
  /** To be called when it has ended, for a reason of the error table, or as LiveObserver has them. */
  readonly onEnded: (reason: string) => void
}

/** Returns the subscription of a request, counted as open until `onEnded` is called. */
export function startSubscription(
  subscription: LiveSubscription,
  caller: Caller,
  facts: RequestFacts,
  { live, errorsFor }: { live: LiveParts } & Pick<Refusals, 'errorsFor'>,
): StartedSubscription {
  const { queue, observer, log } = live
  const { request, requestId } = facts
  const traceContext = facts.traceContext ?? readTraceContext(request.headers)
  const signal = new RequestSignal()
  observer.started()
  return {
    subscription,
    request: () => ({
      caller: callerOfRequest(caller, request),
      requestId,
      traceContext,
      signal,
      setCookies: [],
    }),
    queue,
    observer,
    onFailure: (cause) => errorsFor(facts, cause),
    onEnded(reason) {
      signal.abort()
      observer.ended(reason)
      log.debug({ requestId, reason }, 'subscription ended')
    },
  }
}
