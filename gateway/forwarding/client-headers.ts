/** The client's address and agent, for a subgraph that is configured to get them. */
import { clientAddressHeader, clientAgentHeader } from '../../subgraphs/kit/client-headers.ts'
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'
import { writtenAsSelected } from './forwarded-headers.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

const agentLimit = 256

/**
 * Returns the entry of the client's headers: its address in the one spelling in which addresses are
 * compared, and the visible ASCII of its User-Agent.
 */
export function clientHeaders(): ForwardedHeader<Headers> {
  return writtenAsSelected(({ client: { address, agent } = {} }) => {
    const plain = address === undefined ? undefined : plainAddress(address)
    const visible = agent?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, agentLimit)
    return {
      ...(plain ? { [clientAddressHeader]: plain } : {}),
      ...(visible ? { [clientAgentHeader]: visible } : {}),
    }
  })
}
