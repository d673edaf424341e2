/**
 * The streams of all subgraphs, of one process. They outlive the schema version that opened them: a subscription
 * that moves to another one finds its stream open.
 */
import { hash } from 'node:crypto'
import { objectNumbers } from '../values/object-numbers.ts'
import { SharedUpstream } from './shared-upstream.ts'
import type { Upstream, UpstreamClient, UpstreamListener } from './upstream.ts'

/** What is counted of the streams. */
export interface UpstreamObserver {
  upstreamOpened(subgraph: string): void
  upstreamClosed(subgraph: string): void
  /** An event has come from a subgraph. */
  received(subgraph: string): void
}

/** A subgraph by its address and settings. */
export interface UpstreamSource {
  readonly subgraph: string
  /** A text that is the same for two subgraphs exactly if they are reached in the same way. */
  readonly settings: string
  /** How long a stream stays open when nobody listens any longer, in milliseconds. */
  readonly grace: number
  /** Returns a client, if there is none yet. */
  connect(): UpstreamClient
}

export interface UpstreamRequest {
  readonly headers: Parameters<UpstreamClient['open']>[0]
  readonly body: string
  /** A text that is the same for two callers exactly when the same is forwarded of them. */
  readonly forwarded: string
  /**
   * The live operation that the stream is for, whichever schema version executes it; undefined: any that is equal in
   * body and in what is forwarded.
   */
  readonly owner: object | undefined
}

/** The streams of one subgraph, as a schema version uses them. */
export interface SubgraphUpstreams {
  /** Joins the stream for these subscriptions, or opens it. */
  open(request: UpstreamRequest, listener: UpstreamListener): Upstream
  /** Closes the connections, once no stream is open and no other schema version uses them. */
  release(): Promise<void>
}

export interface Upstreams {
  /** Returns the streams of a subgraph. */
  of(source: UpstreamSource): SubgraphUpstreams
  /** Ends all streams. */
  close(): Promise<void>
}

interface Connected {
  readonly client: UpstreamClient
  readonly open: Map<string, SharedUpstream>
  users: number
}

/** Returns the streams, none at first. */
export function openUpstreams(observer: UpstreamObserver): Upstreams {
  const connected = new Map<string, Connected>()
  const numberOf = objectNumbers()

  return {
    of(source) {
      const { settings } = source
      const at = connected.get(settings) ?? {
        client: source.connect(),
        open: new Map<string, SharedUpstream>(),
        users: 0,
      }
      connected.set(settings, at)
      at.users++
      return {
        open: (request, listener) => join(at, source, request, listener),
        release() {
          at.users--
          return closeIfUnused(at, settings)
        },
      }
    },
    async close() {
      const all = [...connected.values()]
      connected.clear()
      for (const { open } of all) for (const stream of [...open.values()]) stream.close()
      await Promise.all(all.map(({ client }) => client.close()))
    },
  }

  function join(
    at: Connected,
    { subgraph, settings, grace }: UpstreamSource,
    { headers, body, forwarded, owner }: UpstreamRequest,
    listener: UpstreamListener,
  ): Upstream {
    const { client, open } = at
    const key = hash('sha256', JSON.stringify([owner ? numberOf(owner) : 0, forwarded, body]))
    const known = open.get(key)
    if (known) return known.join(headers, listener)
    observer.upstreamOpened(subgraph)
    const stream = new SharedUpstream({
      client,
      body,
      grace,
      onEvent: () => observer.received(subgraph),
      onOver() {
        observer.upstreamClosed(subgraph)
        open.delete(key)
        void closeIfUnused(at, settings)
      },
    })
    open.set(key, stream)
    return stream.join(headers, listener)
  }

  async function closeIfUnused(at: Connected, settings: string): Promise<void> {
    if (at.users > 0 || at.open.size > 0 || connected.get(settings) !== at) return
    connected.delete(settings)
    await at.client.close()
  }
}
