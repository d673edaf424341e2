/** The connections that live long: WebSockets and streams of events, of one process. */
import { GatewayError } from '../errors.ts'
import { callerCounts, tooMany } from './caller-counts.ts'
import type { CallerCounts, ConnectionOwner } from './caller-counts.ts'

export interface LiveConnection {
  /** Called twice a second: checks whether its caller is still admitted, and shows that it is alive. */
  tick(now: number): void
  /** Ends it so that its client comes back by itself, to another process or other settings. */
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

export interface LiveConnections {
  /**
   * Adds a connection, and counts it for its owner if that is known already; throws a GatewayError if there
   * are too many. Returns how to remove it.
   */
  add(connection: LiveConnection, of?: ConnectionOwner): () => void
  /** Counts a connection for an owner, or throws a GatewayError if it has too many; returns how to undo that. */
  readonly count: CallerCounts
  /** Counts a subscription in the same way. */
  readonly countOperation: CallerCounts
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

/** Returns the connections, none at first. */
export function liveConnections(limits: LiveConnectionLimits): LiveConnections {
  const open = new Set<LiveConnection>()
  const count = callerCounts(limits.connectionsPerCaller, 'subscription connections')
  const countOperation = callerCounts(limits.operationsPerCaller, 'subscriptions')
  let ticking: NodeJS.Timeout | undefined
  let isClosing = false

  return {
    add(connection, owner) {
      if (isClosing) throw new GatewayError('SERVICE_UNAVAILABLE')
      if (open.size >= limits.connections) throw tooMany('subscription connections of this process')
      const uncount = owner && count(owner)
      open.add(connection)
      ticking ??= setInterval(tick, period).unref()
      return () => {
        uncount?.()
        open.delete(connection)
        if (open.size > 0) return
        clearInterval(ticking)
        ticking = undefined
      }
    },
    count,
    countOperation,
    async restartAll(longest) {
      isClosing = true
      const end = performance.now() + longest
      const all = [...open]
      const step = Math.min(pace, longest / Math.max(all.length, 1))
      let credit = 0
      for (const connection of all) {
        connection.restart()
        credit += step
        if (credit < 10) continue
        await new Promise((resolve) => setTimeout(resolve, credit))
        credit = 0
      }
      while (open.size > 0 && performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }

  function tick(): void {
    const now = performance.now()
    for (const connection of [...open]) connection.tick(now)
  }
}
