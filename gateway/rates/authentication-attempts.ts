/**
 * The rate of failed authentications per network. Each attempt takes a point and puts it back if it succeeds, so
 * that no more signatures are checked for a network than may fail. Attempts that find no point while others are
 * in progress wait for those: people of one office who come at the same time are not refused.
 */
import type { NetworkBits } from '../../subgraphs/kit/ip-address.ts'
import { remembered } from '../values/remembered.ts'
import type { KeyOf } from './caller-keys.ts'
import { keyText } from './rate-key.ts'
import type { RateKey } from './rate-key.ts'
import type { Buckets } from './rate.ts'

/** An attempt that may go on; it is called with whether the authentication failed. */
export interface AdmittedAttempt {
  end(failed: boolean): void
}

/** Returns the attempt from an address, or in how many seconds another one may be made. */
export type AdmitAttempt = (
  address: string,
) => Promise<AdmittedAttempt | { readonly retryAfter: number }>

/** What one subscriber usually has: auth counts wrong logins of the same networks. */
export const oneSubscriber: NetworkBits = { ipv4: 24, ipv6: 56 }

/** The attempts of one network that are in progress. */
interface Attempts {
  running: number
  /** Those that wait, each called with whether it gets the point of one that has ended. */
  readonly waiting: Set<(admitted: boolean) => void>
}

export interface AuthenticationAttemptsParts {
  readonly buckets: Buckets
  /** Returns the key of the network of a request. */
  readonly networkOf: KeyOf
  /** Called with each attempt that is refused. */
  readonly onRefused: () => void
  /** A clock that never jumps, in milliseconds. */
  readonly clock?: () => number
}

/** Returns the function that admits attempts. */
export function authenticationAttempts({
  buckets,
  networkOf,
  onRefused,
  clock = () => performance.now(),
}: AuthenticationAttemptsParts): AdmitAttempt {
  const inProgress = new Map<string, Attempts>()

  return async (address) => {
    const key = networkOf({ request: { clientAddress: address } }, clock())
    const network = keyText(key)
    for (;;) {
      const taken = await buckets.take(key, 1, clock())
      const attempts = inProgress.get(network)
      if (taken.granted) {
        remembered(inProgress, network, newAttempts).running++
        return { end: (failed) => end(key, failed) }
      }
      if (!attempts) {
        onRefused()
        return { retryAfter: Math.max(1, Math.ceil(taken.wait / 1_000)) }
      }
      const admitted = await new Promise<boolean>((resolve) => void attempts.waiting.add(resolve))
      if (admitted) return { end: (failed) => end(key, failed) }
    }
  }

  function end(key: RateKey, failed: boolean): void {
    const network = keyText(key)
    const attempts = inProgress.get(network)!
    const { waiting } = attempts
    if (!failed) {
      const [next] = waiting
      if (next) {
        waiting.delete(next)
        return next(true)
      }
      buckets.giveBack(key, 1, clock())
    }
    if (--attempts.running > 0) return
    inProgress.delete(network)
    for (const resolve of waiting) resolve(false)
  }
}

function newAttempts(): Attempts {
  return { running: 0, waiting: new Set() }
}
