/**
 * The facts about the client's connection that the gateway forwards if configured to: two plain
 * headers. They can be trusted because a valid claims header comes with them.
 */
import type { IncomingHttpHeaders } from 'node:http'

export const clientAddressHeader = 'gateway-client-address'
export const clientAgentHeader = 'gateway-client-agent'

/** The client on the other side of the gateway; empty if the gateway does not forward it. */
export interface CallerClient {
  /** The IP address. */
  readonly address?: string
  /** The User-Agent of the client. */
  readonly agent?: string
}

export function readClientHeaders(headers: IncomingHttpHeaders): CallerClient {
  const address = headers[clientAddressHeader]
  const agent = headers[clientAgentHeader]
  return {
    ...(typeof address === 'string' ? { address } : {}),
    ...(typeof agent === 'string' ? { agent } : {}),
  }
}
