import { networkOf } from '../../kit/ip-address.ts'

/**
 * Returns the network of an address, as large as one subscriber usually has: /24 of IPv4, /56 of
 * IPv6. Undefined if the text is not an address.
 */
export function addressRange(given: string | undefined): string | undefined {
  const network = given === undefined ? undefined : networkOf(given, { ipv4: 24, ipv6: 56 })
  if (network === undefined || network.includes('.')) return network
  // The database counts under four groups of four digits, as every version of auth spells them.
  const groups = network.replace(/::.*/, '').split(':')
  const spelled = [0, 1, 2, 3].map((index) => (groups[index] ?? '').padStart(4, '0'))
  return `${spelled.join(':')}::/56`
}
