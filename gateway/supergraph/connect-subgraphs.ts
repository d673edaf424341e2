/** The subgraphs of one supergraph, ready to be called. */
import type { Logger } from 'pino'
import { subgraphCall } from '../execution/call-subgraph.ts'
import type { CallSubgraph } from '../execution/call-subgraph.ts'
import type { ClientRequest, EndSignal } from '../client-request.ts'
import { mayBeShared, sharedFetches } from '../execution/deduplicate-requests.ts'
import { subgraphClient } from '../execution/subgraph-client.ts'
import type { SubgraphClientOptions } from '../execution/subgraph-client.ts'
import type { SubgraphErrorPolicy } from '../execution/subgraph-errors.ts'
import type { ForwardedCaller, SubgraphHeaders } from '../forwarding/subgraph-headers.ts'
import type { FetchSubgraph, SubgraphAnswer } from '../execution/subgraph-request.ts'

/** Told of each call to a subgraph, its outcome, and how long it took in seconds. */
export type SubgraphCalled = (subgraph: string, outcome: string, seconds: number) => void

export interface SubgraphParts extends SubgraphClientOptions {
  headers: SubgraphHeaders
  errors: SubgraphErrorPolicy
  /** The cookies that it may set for the client. */
  cookies: readonly string[]
  /** Whether sibling entities of an operation are asked for in one request. */
  join: boolean
  /**
   * Where queries are shared across requests: returns all that is forwarded of a caller. Who has the
   * same shares the queries under way.
   */
  sharedAs?: ((caller: ForwardedCaller) => string) | undefined
}

export interface ConnectOptions {
  subgraph: (name: string) => SubgraphParts
  called: SubgraphCalled
  log: Logger
}

export interface SubgraphCalls {
  fetch: FetchSubgraph<ClientRequest>
  mayJoin(subgraph: string): boolean
  close(): Promise<void>
}

export function connectSubgraphs(
  subgraphs: readonly { name: string; url: string }[],
  { subgraph, called, log }: ConnectOptions,
): SubgraphCalls {
  const connected = new Map(subgraphs.map(({ name, url }) => [name, connect(name, url)]))
  const withinRequest = sharedFetches<ClientRequest>(
    (name, request, client) => connected.get(name)!.call(request, client),
    (client) => client,
  )
  const acrossRequests = sharedFetches<ClientRequest>(
    // A query that several clients wait for does not end because one of them has gone.
    (name, request, client) => connected.get(name)!.call(request, { ...client, signal: undefined }),
    ({ caller }, name) => connected.get(name)!.sharedAs!(caller),
  )

  return {
    fetch(name, request, client) {
      const { call, join, sharedAs } = connected.get(name)!
      if (sharedAs && mayBeShared(request)) {
        return untilAborted(acrossRequests(name, request, client), client.signal)
      }
      // Where sibling fetches are joined, equal ones are one already.
      return join ? call(request, client) : withinRequest(name, request, client)
    },
    mayJoin: (name) => connected.get(name)!.join,
    async close() {
      await Promise.all([...connected.values()].map(({ close }) => close()))
    },
  }

  function connect(name: string, url: string) {
    const parts = subgraph(name)
    const client = subgraphClient(url, parts)
    const call: CallSubgraph = subgraphCall({
      ...parts,
      subgraph: name,
      client,
      called: (outcome, seconds) => called(name, outcome, seconds),
      log,
    })
    return { call, close: client.close, join: parts.join, sharedAs: parts.sharedAs }
  }
}

/** Whoever has no more time leaves an answer to those who also wait for it. */
function untilAborted(
  answering: Promise<SubgraphAnswer>,
  signal: EndSignal | undefined,
): Promise<SubgraphAnswer> {
  if (!signal) return answering
  const timedOut: SubgraphAnswer = { outcome: 'failed', reason: 'SUBGRAPH_TIMEOUT' }
  if (signal.aborted) return Promise.resolve(timedOut)
  return new Promise((resolve, reject) => {
    const onAbort = () => resolve(timedOut)
    signal.addEventListener('abort', onAbort)
    const settled = () => signal.removeEventListener('abort', onAbort)
    answering.then(resolve, reject).finally(settled)
  })
}
