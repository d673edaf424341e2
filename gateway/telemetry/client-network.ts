/** The network of a client: enough to see where requests come from, too little to identify a person. */
import { networkOf } from '../../subgraphs/kit/ip-address.ts'

/** Returns the /24 network of an IPv4 address, the /48 network of an IPv6 address. */
export function clientNetwork(address: string | undefined): string | undefined {
  return address === undefined ? undefined : networkOf(address, { ipv4: 24, ipv6: 48 })
}
