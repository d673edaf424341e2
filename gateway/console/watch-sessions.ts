/** What happens to the sessions of those who have logged in, as the graph reports it. */
import type { Identity, IdentityStore, LoggedIn } from './identities.ts'
import type { Accounts } from './log-in.ts'
import type { Subscribe } from './subscribe.ts'

/** An event of the subscription `sessionEvents`. */
export interface SessionEvent {
  readonly kind: string
  readonly at: string
  readonly reason: string | null
  readonly session: { readonly id: string; readonly current: boolean }
}

export interface WatchParts {
  readonly store: IdentityStore
  readonly accounts: Accounts
  readonly subscribe: Subscribe
  /** Gets each event, and the identity whose subscription had it. */
  readonly onEvent: (identity: string, event: SessionEvent) => void
}

const query = 'subscription Sessions { sessionEvents { kind at reason session { id current } } }'

/** How long after a loss the subscription is opened again, in milliseconds. */
const pause = 2_000

/** Watches the sessions of all identities: whoever is logged out elsewhere is marked. Returns what ends it. */
export function watchSessions({ store, accounts, subscribe, onEvent }: WatchParts): () => void {
  const watched = new Map<string, () => void>()
  const stopListening = store.onChange(follow)
  follow()
  return () => {
    stopListening()
    for (const stop of watched.values()) stop()
  }

  function follow(): void {
    const open = store.state().identities.filter(isOpen)
    for (const [id, stop] of watched) {
      if (open.some((each) => each.id === id)) continue
      watched.delete(id)
      stop()
    }
    for (const identity of open) {
      if (!watched.has(identity.id)) watched.set(identity.id, watch(identity))
    }
  }

  function watch(identity: LoggedIn): () => void {
    let isStopped = false
    let stop = () => {}
    void open()
    return () => {
      isStopped = true
      stop()
    }

    async function open(): Promise<void> {
      const credential = await accounts.credentialOf(identity).catch(() => undefined)
      if (isStopped || credential === undefined) return
      stop = subscribe({ query }, credential, {
        onResult({ data }) {
          const event = (data as { sessionEvents?: SessionEvent | null } | null)?.sessionEvents
          if (event) note(event)
        },
        onEnd(how) {
          // Where the graph has no such subscription, it has none later.
          if (how === 'refused' || isStopped) return
          const timer = setTimeout(open, pause)
          stop = () => clearTimeout(timer)
        },
      })
    }

    function note(event: SessionEvent): void {
      onEvent(identity.id, event)
      if (event.kind !== 'ENDED' || !event.session.current) return
      const current = store.state().identities.find(({ id }) => id === identity.id)
      if (current && isOpen(current)) store.replace({ ...current, ended: event.reason ?? 'ended' })
    }
  }
}

function isOpen(identity: Identity): identity is LoggedIn {
  return identity.kind === 'logged in' && identity.ended === undefined
}
