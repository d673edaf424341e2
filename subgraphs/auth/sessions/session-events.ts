/**
 * The events of sessions, for those who listen. Any process on the database may have caused them, so they
 * are told from the rows of the sessions: four times a second, one query for all accounts that have a listener
 * here, and none while there is no listener. A notification of the database would need the same query, for
 * what it misses while its connection is lost.
 */
import { GraphQLError } from 'graphql'
import type { SubgraphLog } from '../../kit/subgraph-log.ts'
import type { AuthDatabase } from '../database.ts'
import { eventQueue } from './event-queue.ts'
import type { EventQueue } from './event-queue.ts'
import { eventsOfSession, readChangedSessions, seenSession } from './session-changes.ts'
import type { SeenSession, SessionEvent, SessionRow } from './session-changes.ts'
import type { Session, SessionLifetimes } from './sessions.ts'

export interface SessionEvents {
  /**
   * Returns the events of the account's sessions from now on, until the given session ends. Throws a
   * TOO_MANY_SUBSCRIPTIONS error beyond the limits.
   */
  listen(own: Session): Promise<AsyncIterableIterator<SessionEvent>>
  /** Resolves when the database is not read any longer. */
  close(): Promise<void>
}

export interface SessionEventParts {
  database: AuthDatabase
  lifetimes: SessionLifetimes
  now: () => number
  log: SubgraphLog
}

/** How often the sessions are read, in milliseconds. */
const interval = 250

/**
 * How far back they are read each time, in milliseconds: a change becomes visible when its transaction
 * ends, and another process may have another clock.
 */
const overlap = 60_000

/** The most listeners of an account, of a process, and the most events that wait for one of them. */
export const listenerLimits = { account: 20, process: 10_000, events: 100 }

/** The most accounts of one query. */
const accountsPerQuery = 200

interface Listener {
  readonly sessionId: string
  readonly queue: EventQueue<SessionEvent>
}

/** An account that has listeners. */
interface Watched {
  readonly listeners: Set<Listener>
  readonly seen: Map<string, SeenSession>
  /** From which changes on its sessions are read. */
  since: number
}

export function sessionEvents(parts: SessionEventParts): SessionEvents {
  const { database, lifetimes, now, log } = parts
  const accounts = new Map<string, Watched>()
  let listening = 0
  let isFailing = false
  let timer: NodeJS.Timeout | undefined
  let last: Promise<unknown> = Promise.resolve()

  return {
    async listen(own) {
      if (listening >= listenerLimits.process) throw tooMany('The service has')
      listening++
      try {
        return await inTurn(() => addListener(own))
      } catch (error) {
        listening--
        throw error
      }
    },
    async close() {
      for (const { listeners } of accounts.values()) {
        for (const { queue } of listeners) queue.finish()
      }
      await last
      clearTimeout(timer)
    },
  }

  /** Reads of the sessions follow each other, so that no event is reported twice. */
  function inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = last.then(act)
    last = result.catch(() => {})
    return result
  }

  async function addListener(own: Session): Promise<AsyncIterableIterator<SessionEvent>> {
    const { accountId, id: sessionId } = own
    const present = accounts.get(accountId)
    const watched = present ?? { listeners: new Set(), seen: new Map(), since: now() - overlap }
    if (watched.listeners.size >= listenerLimits.account) throw tooMany('The account has')
    // What happened until now is for the others.
    await report(new Map([[accountId, watched]]))
    const { events: most } = listenerLimits
    const queue = eventQueue<SessionEvent>({ most, tooMany: tooSlow, onEnd: leave })
    const listener = { sessionId, queue }
    watched.listeners.add(listener)
    accounts.set(accountId, watched)
    queue.push({ kind: 'LISTENING', at: now(), reason: null, session: own })
    timer ??= nextRead()
    return queue.events

    function leave(): void {
      listening--
      watched.listeners.delete(listener)
      if (watched.listeners.size === 0) accounts.delete(accountId)
    }
  }

  function nextRead(): NodeJS.Timeout {
    return setTimeout(() => void inTurn(readAll), interval).unref()
  }

  async function readAll(): Promise<void> {
    try {
      const entries = [...accounts]
      for (let first = 0; first < entries.length; first += accountsPerQuery) {
        await report(new Map(entries.slice(first, first + accountsPerQuery)))
      }
      isFailing = false
    } catch (cause) {
      // The next read that succeeds reports what happened meanwhile.
      if (!isFailing) {
        log.warn({ reason: (cause as Error).message }, 'the events of sessions cannot be read')
      }
      isFailing = true
    }
    timer = accounts.size > 0 ? nextRead() : undefined
  }

  /** Reports to the listeners of accounts what happened to their sessions since the last time. */
  async function report(watchedById: ReadonlyMap<string, Watched>): Promise<void> {
    const next = now() - overlap
    const since = Math.min(...[...watchedById.values()].map((watched) => watched.since))
    const rows = await readChangedSessions(database, [...watchedById.keys()], since)
    for (const row of rows) reportSession(watchedById.get(row.account_id)!, row)
    for (const watched of watchedById.values()) {
      watched.since = next
      for (const [id, { changedAt }] of watched.seen) {
        // Kept twice as long, for a clock that is set back.
        if (changedAt < next - overlap) watched.seen.delete(id)
      }
    }
  }

  function reportSession({ listeners, seen, since }: Watched, row: SessionRow): void {
    if (row.changed_at < since) return
    const events = eventsOfSession(row, seen.get(row.id), since, lifetimes.idle)
    seen.set(row.id, seenSession(row))
    for (const { sessionId, queue } of listeners) {
      for (const event of events) {
        queue.push(event)
        if (event.kind === 'ENDED' && row.id === sessionId) queue.finish()
      }
    }
  }
}

function tooMany(whose: string): GraphQLError {
  return new GraphQLError(
    `${whose} too many subscriptions to sessionEvents: end one, or try again later`,
    { extensions: { code: 'TOO_MANY_SUBSCRIPTIONS' } },
  )
}

function tooSlow(): GraphQLError {
  return new GraphQLError(
    'The subscription has ended, as its events were not read fast enough: subscribe again',
    { extensions: { code: 'SUBSCRIPTION_TOO_SLOW' } },
  )
}
