import { isIPv4 } from 'node:net'
import { plainAddress } from '../../kit/ip-address.ts'

/**
 * Returns the network of an address, as large as one subscriber usually has: /24 of IPv4, /56 of
 * IPv6. Undefined if the text is not an address.
 */
export function addressRange(given: string | undefined): string | undefined {
  const address = given === undefined ? undefined : plainAddress(given)
  if (address === undefined) return undefined
  if (isIPv4(address)) return `${address.split('.').slice(0, 3).join('.')}.0/24`
  const groups = expand(address)
  const prefix = groups.slice(0, 4).map((group) => group.padStart(4, '0'))
  // 56 bits are three groups and the first half of the fourth.
  return `${prefix.slice(0, 3).join(':')}:${prefix[3]!.slice(0, 2)}00::/56`
}

/** Returns the eight groups of an IPv6 address, which is spelled in lower case and without dots. */
function expand(address: string): string[] {
  const [left = '', right] = address.split('::')
  const head = left === '' ? [] : left.split(':')
  if (right === undefined) return head
  const tail = right === '' ? [] : right.split(':')
  const missing = Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array<string>(missing).fill('0'), ...tail]
}
