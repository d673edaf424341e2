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
