/** The network of a client: enough to see where requests come from, too little to identify a person. */
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'

/** Returns the /24 network of an IPv4 address, the /48 network of an IPv6 address. */
export function clientNetwork(address: string | undefined): string | undefined {
  const plain = address === undefined ? undefined : plainAddress(address)
  if (plain === undefined) return undefined
  if (plain.includes('.')) return `${plain.slice(0, plain.lastIndexOf('.'))}.0/24`
  return `${firstGroups(plain).join(':')}::/48`
}

/** A canonical address may begin with its `::`, or have it among the first three groups. */
function firstGroups(address: string): string[] {
  const [before = '', after] = address.split('::')
  const groups = before === '' ? [] : before.split(':')
  const later = after ? after.split(':') : []
  const zeros = after === undefined ? 0 : 8 - groups.length - later.length
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...later]
  const first = all.slice(0, 3)
  while (first.at(-1) === '0') first.pop()
  return first
}
