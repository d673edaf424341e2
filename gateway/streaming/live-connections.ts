/** The connections that live long: WebSockets and streams of events, of one process. */
import { GatewayError } from '../errors.ts'
import type { Caller } from '../client-request.ts'
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'

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
}

/** Whose connection it is: the address counts for an anonymous caller. */
export interface ConnectionOwner {
  readonly caller: Caller
  readonly address: string | undefined
}

export interface LiveConnections {
  /**
   * Adds a connection, and counts it for its owner if that is known already; throws a GatewayError if there
   * are too many. Returns how to remove it.
   */
  add(connection: LiveConnection, of?: ConnectionOwner): () => void
  /** Counts one for an owner, or throws a GatewayError if it has too many; returns how to undo that. */
  count(owner: ConnectionOwner): () => void
  /** Ends all connections, spread over a time that grows with their number; refuses others from now on. */
  restartAll(longest: number): Promise<void>
}

/** How often connections are checked, in milliseconds: that soon after the gateway knows of a revocation. */
const period = 500
/** The time for each connection that ends, in milliseconds: not all clients come back at once. */
const pace = 1

/** Returns the connections, none at first. */
export function liveConnections(limits: LiveConnectionLimits): LiveConnections {
  const open = new Set<LiveConnection>()
  const byCaller = new Map<string, number>()
  let ticking: NodeJS.Timeout | undefined
  let isClosing = false

  return {
    add(connection, owner) {
      if (isClosing) throw new GatewayError('SERVICE_UNAVAILABLE')
      if (open.size >= limits.connections) throw tooMany('of this process')
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
    async restartAll(longest) {
      isClosing = true
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
    },
  }

  function count(owner: ConnectionOwner): () => void {
    const key = keyOf(owner)
    const others = byCaller.get(key) ?? 0
    if (others >= limits.connectionsPerCaller) throw tooMany('of one caller')
    byCaller.set(key, others + 1)
    let isCounted = true
    return () => {
      if (!isCounted) return
      isCounted = false
      const left = byCaller.get(key)! - 1
      if (left > 0) byCaller.set(key, left)
      else byCaller.delete(key)
    }
  }

  function tick(): void {
    const now = performance.now()
    for (const connection of [...open]) connection.tick(now)
  }
}

function keyOf({ caller: { claims, issuer }, address }: ConnectionOwner): string {
  if (claims) return JSON.stringify([issuer, claims.sub])
  return networkOf(address ?? '')
}

/** A client of IPv6 usually has a whole /64 network. */
function networkOf(address: string): string {
  const plain = plainAddress(address) ?? address
  if (!plain.includes(':')) return plain
  const [before = '', after] = plain.split('::')
  const groups = before.split(':')
  const later = after ? after.split(':').length : 0
  if (after !== undefined) {
    const zeros = 8 - (before === '' ? 0 : groups.length) - later
    const known = before === '' ? [] : groups
    const all = [...known, ...Array.from({ length: zeros }, () => '0'), ...after.split(':')]
    return all.slice(0, 4).join(':')
  }
  return groups.slice(0, 4).join(':')
}

function tooMany(whose: string): GatewayError {
  const message = `Too many open subscription connections ${whose}: retry after 60 seconds`
  return new GatewayError('TOO_MANY_REQUESTS', { message })
}
