/** Identical queries to a subgraph that are under way at the same time are one request. */
import { copyOf } from './response-data.ts'
import type { FetchSubgraph, SubgraphAnswer, SubgraphRequest } from './subgraph-request.ts'

/**
 * Returns `fetchSubgraph` with requests shared among those for whom `scopeOf` gives the same: an object
 * of the client's request, or, to share across requests, a text in which all that is forwarded of the
 * caller stands. Mutations are never shared, nor what reads after one: an answer under way may be older.
 */
export function sharedFetches<Context>(
  fetchSubgraph: FetchSubgraph<Context>,
  scopeOf: (context: Context, subgraph: string) => object | string,
): FetchSubgraph<Context> {
  const ofObjects = new WeakMap<object, Map<string, Promise<SubgraphAnswer>>>()
  const ofTexts = new Map<string, Promise<SubgraphAnswer>>()

  return (subgraph, request, context) => {
    if (!mayBeShared(request)) return fetchSubgraph(subgraph, request, context)
    const scope = scopeOf(context, subgraph)
    const underWay = typeof scope === 'string' ? ofTexts : requestsOf(scope)
    const key = `${subgraph}\n${typeof scope === 'string' ? scope : ''}\n${request.body}`
    const known = underWay.get(key)
    // Whoever gets an answer changes its data. All copies are made before the first one goes on.
    if (known) return known.then(copyOf)
    const answering = fetchSubgraph(subgraph, request, context)
    underWay.set(key, answering)
    const ended = () => void underWay.delete(key)
    answering.then(ended, ended)
    return answering.then((answer) => answer)
  }

  function requestsOf(scope: object): Map<string, Promise<SubgraphAnswer>> {
    const known = ofObjects.get(scope)
    if (known) return known
    const requests = new Map<string, Promise<SubgraphAnswer>>()
    ofObjects.set(scope, requests)
    return requests
  }
}

export function mayBeShared({ operationKind, isAfterMutation }: SubgraphRequest): boolean {
  return operationKind === 'query' && !isAfterMutation
}
