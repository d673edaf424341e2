/** What happens to the sessions of those who have logged in, as the graph reports it. */
import type { InBrowser } from './browser-session.ts'
import type { Identity, IdentityStore, LoggedIn } from './identities.ts'
import type { Accounts } from './log-in.ts'
import type { CredentialOptions } from './renew.ts'
import type { Subscribe } from './subscription.ts'

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

/** How long after a loss the subscription is opened again, in milliseconds; after each further one twice as long. */
const pause = 2_000
const longestPause = 60_000

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

  function watch(identity: LoggedIn | InBrowser): () => void {
    let isStopped = false
    let stop = () => {}
    let wait = pause
    void open(identity)
    return () => {
      isStopped = true
      stop()
    }

    async function open(latest: LoggedIn | InBrowser, options?: CredentialOptions): Promise<void> {
      const credential = await accounts.credentialOf(latest, options).catch(() => undefined)
      if (isStopped) return
      if (!credential) return tryAgain()
      stop = subscribe({ query }, credential, {
        onResult({ data }) {
          wait = pause
          const event = (data as { sessionEvents?: SessionEvent | null } | null)?.sessionEvents
          if (event) note(event)
        },
        onEnd(how) {
          // Where the graph has no such subscription, it has none later.
          if (how !== 'refused') tryAgain({ isRefused: how === 'unauthorized' })
        },
      })
    }

    function tryAgain(options?: CredentialOptions): void {
      const current = store.find(identity.id)
      if (!current || !isOpen(current)) return
      const timer = setTimeout(() => void open(current, options), wait)
      wait = Math.min(2 * wait, longestPause)
      stop = () => clearTimeout(timer)
    }

    function note(event: SessionEvent): void {
      onEvent(identity.id, event)
      if (event.kind !== 'ENDED' || !event.session.current) return
      const current = store.find(identity.id)
      if (current && isOpen(current)) store.replace({ ...current, ended: event.reason ?? 'ended' })
    }
  }
}

function isOpen(identity: Identity): identity is LoggedIn | InBrowser {
  const { kind } = identity
  return (kind === 'logged in' || kind === 'in this browser') && identity.ended === undefined
}
