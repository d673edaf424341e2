/** The requests to subgraphs that one operation needs, as they are sent: they explain its plan. */
import type { Caller, ClientRequest } from '../client-request.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'

/** One request to a subgraph. */
export interface RecordedFetch {
  readonly subgraph: string
  readonly query: string
  readonly variables?: unknown
  /** When it was sent, in milliseconds since the first one. */
  readonly start: number
  readonly milliseconds: number
  /** `answered`, or the reason of its failure. */
  readonly outcome: string
  /** The payload of the claims header: the claims that the subgraph receives. */
  readonly claimsHeader: unknown
}

export interface FetchRecorder {
  /** Sends as the given function does, and records the request. */
  readonly fetch: FetchSubgraph<ClientRequest>
  /** Those that have ended, in the order in which they were sent. */
  fetches(): readonly RecordedFetch[]
}

/** The most requests that are recorded, and the largest body, in characters. */
const mostFetches = 100
const mostText = 100_000

/**
 * Returns the recorder of one operation.
 *
 * @param claimsHeader returns the payload of the claims header that a subgraph gets for a caller
 */
export function fetchRecorder(
  fetch: FetchSubgraph<ClientRequest>,
  claimsHeader: (subgraph: string, caller: Caller) => unknown,
): FetchRecorder {
  const records: (RecordedFetch | undefined)[] = []
  let first: number | undefined
  return {
    async fetch(subgraph, request, client) {
      const sent = performance.now()
      first ??= sent
      const at = records.length
      if (at >= mostFetches) return fetch(subgraph, request, client)
      records.push(undefined)
      const result = await fetch(subgraph, request, client)
      records[at] = {
        subgraph,
        ...operationIn(request.body),
        start: rounded(sent - first),
        milliseconds: rounded(performance.now() - sent),
        outcome: result.outcome === 'failed' ? result.reason : result.outcome,
        claimsHeader: claimsHeader(subgraph, client.caller),
      }
      return result
    },
    fetches: () => records.filter((record) => record !== undefined),
  }
}

function operationIn(body: string): { query: string; variables?: unknown } {
  if (body.length > mostText) return { query: `# too long to be shown: ${body.length} characters` }
  return JSON.parse(body) as { query: string; variables?: unknown }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
