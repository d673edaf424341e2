/** An event of a subscription: a response of a subgraph that came without a request of its own. */
import type { AddedToResponse } from '../client-request.ts'
import { readEnvelope } from './response-envelope.ts'
import { failureOfResponse } from './response-failure.ts'
import type { SubgraphResponse } from './subgraph-client.ts'
import type { SubgraphRequest, SubgraphResult } from './subgraph-request.ts'
import { usableResult } from './usable-result.ts'
import type { UsableResultParts } from './usable-result.ts'

export interface SubscriptionEvent {
  /** In bytes. */
  readonly size: number
  /** Returns the result of the fetch to which the event is the response. Each execution reads it anew. */
  resultFor(request: Pick<SubgraphRequest, 'readData'>, added: AddedToResponse): SubgraphResult
}

/** Returns the function that makes an event of a response, or of the data of an event in a stream. */
export function subscriptionEvents(parts: UsableResultParts) {
  const { subgraph, log } = parts
  const resultOf = usableResult(parts)
  const readsExtensions = parts.passedExtensions !== undefined

  return (response: SubgraphResponse, requestId: string | undefined): SubscriptionEvent => ({
    size: response.bytes.length,
    resultFor({ readData }, added) {
      const envelope = readEnvelope(response.bytes, readData, readsExtensions)
      const failure = failureOfResponse(response, envelope)
      if (!failure) return resultOf(response, envelope!, { requestId, added })
      const { why, ...failed } = failure
      log.warn({ requestId, subgraph, code: failed.reason, cause: why }, 'subgraph failed')
      return { outcome: 'failed', ...failed }
    },
  })
}
