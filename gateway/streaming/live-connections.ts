/** The connections that live long: WebSockets and streams of events, of one process. */
import { setTimeout as pause } from 'node:timers/promises'
import { GatewayError } from '../errors.ts'
import { callerCounts, tooMany } from './caller-counts.ts'
import type { CallerCounts } from './caller-counts.ts'

export interface LiveConnection {
  /** Ends it if its caller is not admitted any longer; a promise, which never rejects, if that takes a while. */
  check(): Promise<void> | void
  /** Called twice a second: shows that it is alive. */
  beat(now: number): void
  /** Ends it so that its client comes back by itself, to another process. */
  restart(): void
}

export interface LiveConnectionLimits {
  /** The most connections of the process. */
  readonly connections: number
  /** The most connections of one caller: of its subject, or of an anonymous caller's address. */
  readonly connectionsPerCaller: number
  /** The most subscriptions of one caller, on all its connections together. */
  readonly operationsPerCaller: number
}

/** A place among the connections, for one that is about to be opened. */
export interface ConnectionPlace {
  /** Gives it to the connection. */
  take(connection: LiveConnection): void
  /** To be called when the connection has ended, or does not come. */
  leave(): void
}

export interface LiveConnections {
  /** Returns a place for another one; throws a GatewayError if there are too many. */
  place(): ConnectionPlace
  /** Counts a connection for its owner, or throws a GatewayError if it has too many; returns how to undo that. */
  readonly count: CallerCounts
  /** Counts a subscription in the same way. */
  readonly countOperation: CallerCounts
  /** Resolves when the callers of all connections have been checked. */
  checkAll(): Promise<void>
  /**
   * Ends all connections, spread over a time that grows with their number; refuses others from now on. Resolves
   * when they have ended, or after `longest` milliseconds: some have queries in progress.
   */
  restartAll(longest: number): Promise<void>
}

/** How often connections are checked, in milliseconds: that soon after the gateway knows of a revocation. */
const period = 500
/** The time for each connection that ends, in milliseconds: not all clients come back at once. */
const pace = 1
/** How many callers are judged anew at the same time, and how long others wait for them, in milliseconds. */
const group = { size: 50, longestWait: 100 }

/** Returns the connections, none at first. The limits may change. */
export function liveConnections(limits: () => LiveConnectionLimits): LiveConnections {
  const open = new Set<Place>()
  let ticking: NodeJS.Timeout | undefined
  let isClosing = false

  return {
    place() {
      if (isClosing) throw new GatewayError('SERVICE_UNAVAILABLE')
      if (open.size >= limits().connections) {
        throw tooMany('subscription connections of this process')
      }
      const place = new Place(open, stopIfEmpty)
      open.add(place)
      ticking ??= setInterval(tick, period).unref()
      return place
    },
    count: callerCounts(() => limits().connectionsPerCaller, 'subscription connections'),
    countOperation: callerCounts(() => limits().operationsPerCaller, 'subscriptions'),
    checkAll,
    async restartAll(longest) {
      isClosing = true
      const end = performance.now() + longest
      const all = [...open]
      const step = Math.min(pace, longest / Math.max(all.length, 1))
      let credit = 0
      for (const { connection } of all) {
        connection?.restart()
        credit += step
        if (credit < 10) continue
        await pause(credit)
        credit = 0
      }
      while (open.size > 0 && performance.now() < end) await pause(20)
    },
  }

  function tick(): void {
    void checkAll()
    const now = performance.now()
    for (const { connection } of [...open]) connection?.beat(now)
  }

  async function checkAll(): Promise<void> {
    const checking = new Set<Promise<void>>()
    let begun = 0
    for (const { connection } of [...open]) {
      const checked = connection?.check()
      if (!checked) continue
      const done = checked.then(() => void checking.delete(done))
      checking.add(done)
      if (++begun % group.size > 0) continue
      const wait = pause(group.longestWait, undefined, { ref: false })
      await Promise.race([wait, Promise.all(checking)])
    }
    await Promise.all(checking)
  }

  function stopIfEmpty(): void {
    if (open.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }
}

class Place implements ConnectionPlace {
  connection: LiveConnection | undefined
  readonly #open: Set<Place>
  readonly #onLeft: () => void

  constructor(open: Set<Place>, onLeft: () => void) {
    this.#open = open
    this.#onLeft = onLeft
  }

  take(connection: LiveConnection): void {
    this.connection = connection
  }

  leave(): void {
    this.connection = undefined
    this.#open.delete(this)
    this.#onLeft()
  }
}
