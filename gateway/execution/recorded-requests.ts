/** The requests to subgraphs for one request of a client that is executed in parts: none is sent twice. */
import { keepBytes } from '../values/response-buffers.ts'
import { mayBeDeduplicated } from './deduplicate-requests.ts'
import { readAgain } from './read-again.ts'
import type { FetchSubgraph, SubgraphResult } from './subgraph-request.ts'

/** Returns `fetchSubgraph` with one request for all that are equal: so all parts see the same data. */
export function recordedRequests<Context>(
  fetchSubgraph: FetchSubgraph<Context>,
): FetchSubgraph<Context> {
  const responses = new Map<string, Promise<SubgraphResult>>()
  return async (subgraph, request, context) => {
    if (!mayBeDeduplicated(request)) return fetchSubgraph(subgraph, request, context)
    const key = `${subgraph}\n${request.body}`
    const known = responses.get(key)
    if (!known) {
      const responding = fetchSubgraph(subgraph, request, context).then((response) => {
        // Another part may read it after this one has ended.
        if (response.outcome === 'answered') keepBytes(response.bytes)
        return response
      })
      responses.set(key, responding)
      return responding
    }
    const response = await known
    if (response.outcome === 'failed') return response
    return readAgain(response.bytes, request.readData) ?? response
  }
}
