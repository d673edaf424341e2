/** The subgraphs of one supergraph, ready to be called. */
import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import { claimsHeaderName } from '../../subgraphs/kit/claims-header.ts'
import { subgraphCall } from '../execution/call-subgraph.ts'
import { untilAborted } from '../client-request.ts'
import type { Caller, ClientRequest, Trace } from '../client-request.ts'
import { deduplicatedRequests, mayBeDeduplicated } from '../execution/deduplicate-requests.ts'
import { subgraphClient } from '../execution/subgraph-client.ts'
import type { SubgraphClientOptions } from '../execution/subgraph-client.ts'
import type { SubgraphErrorPolicy } from '../execution/subgraph-errors.ts'
import type { Forwarding, Headers } from '../forwarding/forwarded-headers.ts'
import type {
  FetchSubgraph,
  SubgraphRequest,
  SubgraphResult,
} from '../execution/subgraph-request.ts'
import { reconnectingUpstream } from '../streaming/reconnecting-upstream.ts'
import type { ReconnectObserver, ReconnectOutcome } from '../streaming/reconnecting-upstream.ts'
import type { Upstream, UpstreamClient } from '../streaming/upstream.ts'
import type { Callbacks } from '../streaming/callbacks.ts'
import { upstreamByCallback } from '../streaming/upstream-by-callback.ts'
import { upstreamBySse } from '../streaming/upstream-by-sse.ts'
import type { Upstreams } from '../streaming/upstreams.ts'
import { upstreamByWebSocket } from '../streaming/upstream-by-websocket.ts'
import { subscriberTo } from './subscribe-to-subgraph.ts'
import type { SubscribeToSubgraph } from './subscribe-to-subgraph.ts'

/** Gets the subgraph of each call, its outcome, and its duration in seconds. */
export type SubgraphCalled = (subgraph: string, outcome: string, seconds: number) => void

export interface SubgraphParts extends SubgraphClientOptions {
  /** The largest response, or event of a subscription, that is read, in bytes. */
  responseLimit: number
  /** How long a subscription may be silent before it counts as lost, in milliseconds. */
  eventSilence: number
  /** How the subgraph is asked for events. */
  subscriptionProtocol: 'sse' | 'websocket' | 'callback'
  /** Where it delivers events if the protocol is `callback`. */
  callbacks?: Callbacks | undefined
  /** For how long a subscription that the subgraph has lost is tried to open again, in milliseconds. */
  subscriptionReconnect: number
  /** The path for subscriptions; undefined: that of the subgraph's URL. */
  subscriptionPath?: string | undefined
  /** What is forwarded of callers to the subgraph. */
  forwarding: Forwarding
  subgraphErrors: SubgraphErrorPolicy
  /** Whether sibling entity fetches of an operation are batched in one request. */
  batchEntityFetches: boolean
  /** Whether queries are deduplicated across client requests, among callers of whom the same is forwarded. */
  deduplicateRequests: boolean
  /** Whether equal subscriptions of callers of whom the same is forwarded have one stream. */
  deduplicateSubscriptions: boolean
}

export interface ConnectOptions {
  subgraph: (name: string) => SubgraphParts
  called: SubgraphCalled
  /** The streams of subgraphs, which outlive these calls. */
  upstreams: Upstreams
  /** Called when a subscription that a subgraph had lost is open again, or will not be. */
  reconnected: (subgraph: string, outcome: ReconnectOutcome) => void
  log: Logger
}

/** How long a stream that several may share stays open without a listener, in milliseconds. */
const grace = 1_000

export interface SubgraphCalls {
  fetch: FetchSubgraph<ClientRequest>
  /** Asks a subgraph for events, in the name of a client. */
  subscribe(subgraph: string, ...words: Parameters<SubscribeToSubgraph>): Upstream
  mayBatch(subgraph: string): boolean
  /** Whether equal subscriptions at a subgraph have one stream. */
  deduplicatesSubscriptions(subgraph: string): boolean
  /** Returns the payload of the claims header that a subgraph gets for a caller. */
  claimsHeader(subgraph: string, caller: Caller): unknown
  /** Returns a text that is the same for two callers exactly when the same is forwarded of them to a subgraph. */
  deduplicationKey(subgraph: string, caller: Caller): string
  close(): Promise<void>
}

/** Returns the calls to these subgraphs, each with its own connections. */
export function connectSubgraphs(
  subgraphs: readonly { name: string; url: string }[],
  { subgraph, called, reconnected, upstreams: streams, log }: ConnectOptions,
): SubgraphCalls {
  const connected = new Map(subgraphs.map(({ name, url }) => [name, connect(name, url)]))
  const withinRequest = deduplicatedRequests<ClientRequest>(
    (name, request, client) => connected.get(name)!.call(request, client),
    (client) => client,
  )
  const acrossRequests = deduplicatedRequests<ClientRequest>(
    // A query for several clients does not end when one of them goes away.
    (name, request, client) => connected.get(name)!.call(request, { ...client, signal: undefined }),
    ({ caller }, name) => connected.get(name)!.forwarding.deduplicationKey(caller),
    (passed, { added }) => added.add(passed),
  )

  return {
    fetch(name, request, client) {
      const { observer, trace } = client
      const result = trace ? sendTraced(name, request, client, trace) : send(name, request, client)
      return observer ? observer.duringCall(result) : result
    },
    subscribe: (name, ...words) => connected.get(name)!.subscribe(...words),
    mayBatch: (name) => connected.get(name)!.batchEntityFetches,
    deduplicatesSubscriptions: (name) => connected.get(name)!.deduplicateSubscriptions,
    claimsHeader: (name, caller) => payloadOf(connected.get(name)!.forwarding.headers(caller)),
    deduplicationKey: (name, caller) => connected.get(name)!.forwarding.deduplicationKey(caller),
    async close() {
      await Promise.all([...connected.values()].map(({ close }) => close()))
    },
  }

  function send(name: string, request: SubgraphRequest, client: ClientRequest) {
    const { call, batchEntityFetches, deduplicateRequests } = connected.get(name)!
    if (deduplicateRequests && mayBeDeduplicated(request)) {
      return untilAborted(acrossRequests(name, request, client), client.signal, timedOut)
    }
    // Batching of entity fetches has already made equal ones the same.
    return batchEntityFetches ? call(request, client) : withinRequest(name, request, client)
  }

  async function sendTraced(
    name: string,
    request: SubgraphRequest,
    client: ClientRequest,
    trace: Trace,
  ): Promise<SubgraphResult> {
    const span = trace.startCall(name, connected.get(name)!.url)
    span.set('graphql.operation.type', request.operationKind)
    try {
      const result = await send(name, { ...request, span }, client)
      span.end(result.outcome === 'failed' ? result.reason : undefined)
      return result
    } catch (cause) {
      span.end('INTERNAL_SERVER_ERROR')
      throw cause
    }
  }

  /** One line says that the subscriptions of a subgraph are lost, and one what has become of them. */
  function reconnections(subgraph: string): ReconnectObserver {
    let outcomes = { reconnected: 0, failed: 0 }
    return {
      lost(reason, cause) {
        log.warn(
          { subgraph, code: reason, cause },
          'subscriptions at a subgraph lost: reconnecting',
        )
      },
      decided(outcome) {
        outcomes[outcome]++
        reconnected(subgraph, outcome)
      },
      settled() {
        log.info({ subgraph, ...outcomes }, 'no subscription at the subgraph is lost any longer')
        outcomes = { reconnected: 0, failed: 0 }
      },
    }
  }

  function connect(name: string, url: string) {
    const {
      forwarding,
      subgraphErrors: errors,
      batchEntityFetches,
      deduplicateRequests,
      deduplicateSubscriptions,
      ...options
    } = subgraph(name)
    const client = subgraphClient(url, {
      ...options,
      readPassedHeaders: forwarding.readPassedHeaders,
    })
    const call = subgraphCall({
      ...forwarding,
      subgraph: name,
      client,
      errors,
      onSubgraphResponse: (outcome, seconds) => called(name, outcome, seconds),
      log,
    })
    const upstreams = streams.of({
      subgraph: name,
      settings: hash('sha256', JSON.stringify([name, url, options, deduplicateSubscriptions])),
      grace: deduplicateSubscriptions ? grace : 0,
      connect: () =>
        reconnectingUpstream(upstreamClient(url, options), {
          reconnect: options.subscriptionReconnect,
          observer: reconnections(name),
        }),
    })
    const subscribe = subscriberTo({
      ...forwarding,
      subgraph: name,
      upstreams,
      deduplicateSubscriptions,
      errors,
      log,
    })
    return {
      url,
      call,
      subscribe,
      batchEntityFetches,
      deduplicateRequests,
      deduplicateSubscriptions,
      forwarding,
      close: async () => void (await Promise.all([client.close(), upstreams.release()])),
    }
  }
}

type UpstreamSettings = Pick<
  SubgraphParts,
  | 'subscriptionProtocol'
  | 'subscriptionPath'
  | 'callbacks'
  | 'connections'
  | 'eventSilence'
  | 'responseLimit'
  | 'timeout'
  | 'tls'
>

function upstreamClient(url: string, settings: UpstreamSettings): UpstreamClient {
  const { subscriptionProtocol, subscriptionPath: path, callbacks } = settings
  const address = path ? new URL(path, url).href : url
  const options = {
    ...settings,
    silence: settings.eventSilence,
    eventLimit: settings.responseLimit,
  }
  switch (subscriptionProtocol) {
    case 'sse':
      return upstreamBySse(address, options)
    case 'websocket':
      return upstreamByWebSocket(address, options)
    case 'callback':
      if (!callbacks) throw new Error('there is no port for callbacks')
      return upstreamByCallback(address, { ...options, callbacks })
  }
}

function payloadOf(headers: Headers): unknown {
  const [, payload = ''] = (headers[claimsHeaderName] ?? '').split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString() || 'null')
}

function timedOut(): SubgraphResult {
  return { outcome: 'failed', reason: 'SUBGRAPH_TIMEOUT' }
}
