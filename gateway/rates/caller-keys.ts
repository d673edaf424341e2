/** Under which key the requests of a caller are counted. */
import { createHmac, hkdfSync } from 'node:crypto'
import { networkOf } from '../../subgraphs/kit/ip-address.ts'
import type { NetworkBits } from '../../subgraphs/kit/ip-address.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { Caller } from '../client-request.ts'
import { remembered } from '../values/remembered.ts'
import type { LimitedRequest } from './limited-request.ts'
import { RecentKeys } from './recent-keys.ts'

/** Returns the key of a request. */
export type KeyOf = (limited: LimitedRequest) => string

export interface CallerKeys {
  readonly address: KeyOf
  /** An anonymous caller is counted by address. */
  readonly subject: KeyOf
  /** A caller whose access token names no client is counted by subject. */
  readonly client: KeyOf
}

/** One client: a client of IPv6 usually has a whole /64 network. */
const oneClient: NetworkBits = { ipv4: 32, ipv6: 64 }

/** Returns the function that makes the keys of identities: nobody without the secret can check a guess. */
export function identityHash(secret: string): (text: string) => string {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis rates: keys', 32))
  return (text) => createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)
}

/** Returns the functions that find keys. All keys are short, whatever the claims are. */
export function callerKeys(hash: (text: string) => string): CallerKeys {
  const subjects = new WeakMap<Claims, string>()
  const clients = new WeakMap<Claims, string>()
  const address = addressKey(oneClient)
  const subjectOf = ({ issuer, claims }: Caller) =>
    hash(JSON.stringify(['subject', issuer, claims!.sub]))
  const clientOf = ({ issuer, clientId }: Caller) =>
    hash(JSON.stringify(['client', issuer, clientId]))
  const subject: KeyOf = (limited) => {
    const caller = limited.caller!
    if (!caller.claims) return address(limited)
    return remembered(subjects, caller.claims, () => subjectOf(caller))
  }

  return {
    address,
    subject,
    client(limited) {
      const caller = limited.caller!
      if (!caller.claims || caller.clientId === undefined) return subject(limited)
      return remembered(clients, caller.claims, () => clientOf(caller))
    },
  }
}

const unknown = 'unknown'

/** The longest text that is an address, with a zone and a port. */
const longestAddress = 100

/** How many addresses are remembered with their networks, and for how long, in milliseconds. */
const knownAddresses = { most: 20_000, lifetime: 60_000 }

/** Returns the function that finds the network of a request. Addresses are read once: that is slow. */
export function addressKey(bits: NetworkBits): KeyOf {
  const networks = new RecentKeys<string>(knownAddresses.lifetime, knownAddresses.most)

  return ({ request: { clientAddress = '' } }) => {
    if (clientAddress.length > longestAddress) return unknown
    const now = performance.now()
    const known = networks.get(clientAddress, now)
    if (known !== undefined) return known
    const network = networkOf(clientAddress, bits) ?? unknown
    networks.set(clientAddress, network, now)
    return network
  }
}
