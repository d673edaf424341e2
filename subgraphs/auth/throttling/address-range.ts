import { isIPv4, isIPv6 } from 'node:net'

/**
 * Returns the network that an address belongs to, as one subscriber has it: /24 of IPv4, /56 of
 * IPv6. Undefined for what is no address.
 */
export function addressRange(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  if (isIPv4(address)) return `${address.split('.').slice(0, 3).join('.')}.0/24`
  if (!isIPv6(address)) return undefined
  const groups = expand(address.split('%')[0]!)
  if (isMappedIPv4(groups)) return addressRange(embeddedIPv4(groups))
  const prefix = groups.slice(0, 4).map((group) => group.padStart(4, '0'))
  // 56 bits are three groups and the first half of the fourth.
  return `${prefix.slice(0, 3).join(':')}:${prefix[3]!.slice(0, 2)}00::/56`
}

/** As in ::ffff:192.0.2.7 (RFC 4291 section 2.5.5.2), which proxies write as ::ffff:c000:207, too. */
function isMappedIPv4(groups: readonly string[]): boolean {
  const [mark, ...zeros] = groups.slice(0, 6).reverse()
  return mark === 'ffff' && zeros.every((group) => parseInt(group, 16) === 0)
}

function embeddedIPv4(groups: readonly string[]): string {
  const bytes = groups.slice(6).flatMap((group) => {
    const value = parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
  return bytes.join('.')
}

/** Returns the eight groups of an IPv6 address. */
function expand(address: string): string[] {
  const [left = '', right] = withHexGroups(address.toLowerCase()).split('::')
  const head = left === '' ? [] : left.split(':')
  if (right === undefined) return head
  const tail = right === '' ? [] : right.split(':')
  const missing = Math.max(0, 8 - head.length - tail.length)
  return [...head, ...Array<string>(missing).fill('0'), ...tail]
}

/** Returns the address with the two groups that it may write as an IPv4 address. */
function withHexGroups(address: string): string {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0]
  if (dotted === undefined) return address
  const [a = 0, b = 0, c = 0, d = 0] = dotted.split('.').map(Number)
  const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  return address.slice(0, -dotted.length) + groups
}
