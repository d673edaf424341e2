/** The requests to subgraphs that one operation needs, as they are sent: they explain its plan. */
import type { Caller, ClientRequest } from '../client-request.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'

/** One request to a subgraph. */
export interface RecordedFetch {
  readonly subgraph: string
  readonly query: string
  readonly variables?: unknown
  /** When it was sent, in milliseconds since the first one of the operation, or of the event. */
  readonly start: number
  readonly milliseconds: number
  /** `answered`, or the reason of its failure. */
  readonly outcome: string
  /** The payload of the claims header: the claims that the subgraph receives. */
  readonly claimsHeader: unknown
}

/** Records the requests of an operation, or of a part of it. */
export interface FetchRecorder {
  /** Sends as the given function does, and records the request. */
  readonly fetch: FetchSubgraph<ClientRequest>
  /** Those that have ended, in the order in which they were sent. */
  fetches(): readonly RecordedFetch[]
}

/** Returns a recorder of requests that this function sends. */
export type RecordFetches = (fetch: FetchSubgraph<ClientRequest>) => FetchRecorder

/** The most requests that are recorded for an operation, and the largest body, in characters. */
const mostFetches = 100
const mostText = 100_000

/**
 * Returns the function that records the requests of one operation: its parts have a recorder each, and one clock.
 *
 * @param claimsHeader returns the payload of the claims header that a subgraph gets for a caller
 */
export function fetchRecording(
  claimsHeader: (subgraph: string, caller: Caller) => unknown,
): RecordFetches {
  let first: number | undefined
  let recorded = 0
  return (fetch) => {
    const records: (RecordedFetch | undefined)[] = []
    return {
      async fetch(subgraph, request, client) {
        const sent = performance.now()
        first ??= sent
        if (recorded++ >= mostFetches) return fetch(subgraph, request, client)
        const start = rounded(sent - first)
        const at = records.push(undefined) - 1
        const result = await fetch(subgraph, request, client)
        records[at] = {
          subgraph,
          ...operationIn(request.body),
          start,
          milliseconds: rounded(performance.now() - sent),
          outcome: result.outcome === 'failed' ? result.reason : result.outcome,
          claimsHeader: claimsHeader(subgraph, client.caller),
        }
        return result
      },
      fetches: () => records.filter((record) => record !== undefined),
    }
  }
}

function operationIn(body: string): { query: string; variables?: unknown } {
  if (body.length > mostText) return { query: `# too long to be shown: ${body.length} characters` }
  return JSON.parse(body) as { query: string; variables?: unknown }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
