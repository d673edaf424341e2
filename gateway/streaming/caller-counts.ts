/** How many of something each caller has open: it may not have too many. */
import { GatewayError } from '../errors.ts'
import type { Caller } from '../client-request.ts'
import { networkOf } from '../../subgraphs/kit/ip-address.ts'

/** Whose connection it is: the address counts for an anonymous caller. */
export interface ConnectionOwner {
  readonly caller: Caller
  readonly address: string | undefined
}

/** Counts one for an owner, or throws a GatewayError if it has too many; returns how to undo that. */
export type CallerCounts = (owner: ConnectionOwner) => () => void

/** Returns the function that counts; `what` names what is counted. The limit may change. */
export function callerCounts(most: () => number, what: string): CallerCounts {
  const byCaller = new Map<string, number>()

  return (owner) => {
    const key = keyOf(owner)
    const others = byCaller.get(key) ?? 0
    if (others >= most()) throw tooMany(`${what} of one caller`)
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
}

/** Returns the error for a client that has too many open. */
export function tooMany(what: string): GatewayError {
  const message = `Too many open ${what}: retry after 60 seconds`
  return new GatewayError('TOO_MANY_REQUESTS', { message })
}

/** A client of IPv6 usually has a whole /64 network. */
const oneClient = { ipv4: 32, ipv6: 64 }

function keyOf({ caller: { claims, issuer }, address }: ConnectionOwner): string {
  if (claims) return JSON.stringify([issuer, claims.sub])
  return networkOf(address ?? '', oneClient) ?? ''
}
