/** What a subgraph may learn of the client's connection, where it is configured to: the address and agent. */
import { clientAddressHeader, clientAgentHeader } from '../../subgraphs/kit/client-headers.ts'
import type { CallerClient } from '../../subgraphs/kit/client-headers.ts'

const agentLimit = 256

/** Returns the headers that tell of the client; what is not visible ASCII is left out of the agent. */
export function clientHeaders({ address, agent }: CallerClient): Record<string, string> {
  const visible = agent?.replaceAll(/[^\x20-\x7e]/g, '').slice(0, agentLimit)
  return {
    ...(address ? { [clientAddressHeader]: address } : {}),
    ...(visible ? { [clientAgentHeader]: visible } : {}),
  }
}
