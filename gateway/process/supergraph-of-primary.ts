import type { RemoteFeed, RemoteState } from '../supergraph/remote-supergraph.ts'

/** What the primary has fetched of the supergraph, as a worker sees it. */
export interface FeedOfPrimary extends RemoteFeed {
  /** Takes the state that the primary reports; an earlier one than the known one is passed over. */
  receive(state: RemoteState): void
}

/** Returns a feed that knows nothing yet. */
export function feedOfPrimary(): FeedOfPrimary {
  const listeners = new Set<() => void>()
  let state: RemoteState = { revision: -1 }
  return {
    state: () => state,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    receive(next) {
      if (next.revision <= state.revision) return
      state = next
      for (const listener of listeners) listener()
    },
  }
}
