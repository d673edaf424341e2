import { isIPv4, isIPv6 } from 'node:net'

/** An IPv4 address within an IPv6 address (RFC 4291 section 2.5.5.2), as URLs write it. */
const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/

/** A port after the address, which some proxies write into X-Forwarded-For. */
const withPort = /^(?:\[([^\]]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/

/**
 * Returns an IP address in a canonical spelling, for comparison: `::ffff:7f00:1`, `::FFFF:127.0.0.1`
 * and `127.0.0.1` are one address. Undefined if the text is not an address.
 */
export function plainAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  const [, bracketed, withoutPort] = withPort.exec(text) ?? []
  const address = bracketed ?? withoutPort ?? text
  if (isIPv4(address)) return address
  if (!isIPv6(address)) return undefined
  const canonical = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1)
  const [, high, low] = mapped.exec(canonical) ?? []
  if (high === undefined || low === undefined) return canonical
  return [high, low]
    .map((group) => Number.parseInt(group, 16))
    .flatMap((group) => [group >> 8, group & 255])
    .join('.')
}

/** How many bits of an address name its network. */
export interface NetworkBits {
  readonly ipv4: number
  readonly ipv6: number
}

/**
 * Returns the network of an address in a canonical spelling, such as `192.0.2.0/24` or `2001:db8:0:100::/56`;
 * undefined if the text is not an address.
 */
export function networkOf(text: string, bits: NetworkBits): string | undefined {
  const address = plainAddress(text)
  if (address === undefined) return undefined
  if (isIPv4(address)) {
    const bytes = firstBits(address.split('.').map(Number), 8, bits.ipv4)
    return `${bytes.join('.')}/${bits.ipv4}`
  }
  const groups = firstBits(groupsOf(address), 16, bits.ipv6)
  while (groups.at(-1) === 0) groups.pop()
  const written = groups.map((group) => group.toString(16)).join(':')
  return `${written}${groups.length < 8 ? '::' : ''}/${bits.ipv6}`
}

/** Returns the eight groups of a canonical IPv6 address. */
function groupsOf(address: string): number[] {
  const [before = '', after] = address.split('::')
  const read = (groups: string) => (groups === '' ? [] : groups.split(':'))
  const [first, last] = [read(before), read(after ?? '')]
  const zeros = Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...zeros, ...last].map((group) => Number.parseInt(group, 16))
}

/** Returns the numbers with all bits after the first ones 0. */
function firstBits(numbers: readonly number[], width: number, bits: number): number[] {
  return numbers.map((number, index) => {
    const dropped = Math.min(width, Math.max(0, (index + 1) * width - bits))
    return (number >> dropped) << dropped
  })
}
