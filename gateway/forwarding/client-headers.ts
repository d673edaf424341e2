/** What a subgraph may learn of the client's connection, where it is configured to: the address and agent. */
import { clientAddressHeader, clientAgentHeader } from '../../subgraphs/kit/client-headers.ts'
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'
import type { CallerClient } from '../../subgraphs/kit/client-headers.ts'

const agentLimit = 256

/**
 * Returns the headers that tell of the client: its address in one spelling, so that it can be compared,
 * and its agent without what is not visible ASCII.
 */
export function clientHeaders({ address, agent }: CallerClient): Record<string, string> {
  const plain = address === undefined ? undefined : plainAddress(address)
  const visible = agent?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, agentLimit)
  return {
    ...(plain ? { [clientAddressHeader]: plain } : {}),
    ...(visible ? { [clientAgentHeader]: visible } : {}),
  }
}
