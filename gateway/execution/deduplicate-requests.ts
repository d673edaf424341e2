/** Request deduplication: identical queries to a subgraph that are in flight together are one request. */
import type { PassedParts } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'
import { readAgain } from './read-again.ts'
import type { FetchSubgraph, SubgraphResult, SubgraphRequest } from './subgraph-request.ts'

/**
 * By key. The response is taken out when it has come: a former table of a Map, once it is old, keeps what was
 * in the Map, see slots.ts of the kit.
 */
type RequestsInFlight = Map<string, RequestInFlight>

interface RequestInFlight {
  response: Promise<SubgraphResult> | undefined
}

/**
 * Returns `fetchSubgraph` with one request for all that have the same scope: an object for the parts of
 * one client request, or, across client requests, a text with everything that is forwarded of the caller.
 * Across client requests, a response that sets a cookie is not shared: the others send their own request.
 *
 * @param passOn adds to the response to another client what a shared response passes to clients
 */
export function deduplicatedRequests<Context>(
  fetchSubgraph: FetchSubgraph<Context>,
  scopeOf: (context: Context, subgraph: string) => object | string,
  passOn?: (passed: PassedParts, context: Context) => void,
): FetchSubgraph<Context> {
  const ofObjects = new WeakMap<object, RequestsInFlight>()
  const ofTexts: RequestsInFlight = new Map()

  return (subgraph, request, context) => {
    if (!mayBeDeduplicated(request)) return fetchSubgraph(subgraph, request, context)
    const scope = scopeOf(context, subgraph)
    const inFlight = typeof scope === 'string' ? ofTexts : remembered(ofObjects, scope, noRequests)
    const key = `${subgraph}\n${typeof scope === 'string' ? scope : ''}\n${request.body}`
    const known = inFlight.get(key)?.response
    if (known) {
      // All who wait read the bytes, and so hold them, before any of them goes on.
      return known.then((response) => {
        const isOfOther = typeof scope === 'string' && setsCookie(response)
        if (isOfOther) return fetchSubgraph(subgraph, request, context)
        if (response.outcome === 'failed') return response
        if (response.passed) passOn?.(response.passed, context)
        return readAgain(response.bytes, request.readData) ?? response
      })
    }
    const responding = fetchSubgraph(subgraph, request, context)
    const entry: RequestInFlight = { response: responding }
    inFlight.set(key, entry)
    const ended = () => {
      inFlight.delete(key)
      entry.response = undefined
    }
    responding.then(ended, ended)
    return responding.then((response) => response)
  }
}

function noRequests(): RequestsInFlight {
  return new Map()
}

/** Returns whether a response is for its own client alone: its data may belong to the cookie that it sets. */
function setsCookie(response: SubgraphResult): boolean {
  return response.outcome === 'answered' && response.setsCookie === true
}

/**
 * Returns whether a request may use the response to another one: not a mutation, and not a query that
 * comes after a mutation, since a response in flight may be older than the change.
 */
export function mayBeDeduplicated({ operationKind, isAfterMutation }: SubgraphRequest): boolean {
  return operationKind === 'query' && !isAfterMutation
}
