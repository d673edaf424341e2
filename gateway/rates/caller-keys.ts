/** Under which key the requests of a caller are counted. */
import { networkOf } from '../../subgraphs/kit/ip-address.ts'
import type { NetworkBits } from '../../subgraphs/kit/ip-address.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller } from '../client-request.ts'
import type { LimitedRequest } from './limited-request.ts'
import type { RateKey } from './rate-key.ts'
import { RecentKeys } from './recent-keys.ts'

/** Returns the key of a request; `now` is as `performance.now()` counts. */
export type KeyOf = (limited: LimitedRequest, now: number) => RateKey

export interface CallerKeys {
  readonly address: KeyOf
  /** An anonymous caller is counted by address. */
  readonly subject: KeyOf
  /** A caller whose access token names no client is counted by subject. */
  readonly client: KeyOf
  /** Returns the key of a root field, whoever selects it. */
  readonly field: (coordinate: string) => RateKey
}

/** The keys of one caller. */
interface Identity {
  readonly subject: RateKey
  readonly client: RateKey
}

/** One client: a client of IPv6 usually has a whole /64 network. */
const oneClient: NetworkBits = { ipv4: 32, ipv6: 64 }

/** Returns the functions that find keys. */
export function callerKeys(keyOf: (text: string) => RateKey): CallerKeys {
  const identities = new WeakMap<Claims, Identity>()
  const address = addressKey(oneClient, keyOf)

  return {
    address,
    subject: (limited, now) => identityOf(limited.caller!)?.subject ?? address(limited, now),
    client: (limited, now) => identityOf(limited.caller!)?.client ?? address(limited, now),
    field: (coordinate) => keyOf(JSON.stringify(['field', coordinate])),
  }

  function identityOf(caller: Caller): Identity | undefined {
    if (!caller.claims) return undefined
    const known = identities.get(caller.claims)
    if (known) return known
    const made = identify(caller, caller.claims)
    identities.set(caller.claims, made)
    return made
  }

  function identify({ issuer, clientId }: Caller, { sub }: Claims): Identity {
    const subject = keyOf(JSON.stringify(['subject', issuer, sub]))
    if (clientId === undefined) return { subject, client: subject }
    return { subject, client: keyOf(JSON.stringify(['client', issuer, clientId])) }
  }
}

/** Counts together all whose address cannot be read. */
const unknown = 'unknown'

/** The longest text that is an address, with a zone and a port. */
const longestAddress = 100

/** How many addresses are remembered with their keys, and for how long, in milliseconds. */
const knownAddresses = { most: 20_000, lifetime: 60_000 }

/** Returns the function for the key of the network of a request. Addresses are read once: that is slow. */
export function addressKey(bits: NetworkBits, keyOf: (text: string) => RateKey): KeyOf {
  const known = new RecentKeys<RateKey>(knownAddresses.lifetime, knownAddresses.most)
  const ofUnknown = keyOf(unknown)

  return ({ request: { clientAddress = '' } }, now) => {
    if (clientAddress.length > longestAddress) return ofUnknown
    const key = known.get(clientAddress, now)
    if (key !== undefined) return key
    const network = networkOf(clientAddress, bits)
    const made = network === undefined ? ofUnknown : keyOf(network)
    known.set(clientAddress, made, now)
    return made
  }
}
