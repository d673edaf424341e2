/**
 * What the gateway tells a subgraph about the client's connection, where it is configured to: two
 * plain headers. They can be believed because they come with a valid claims header.
 */
import type { IncomingHttpHeaders } from 'node:http'

export const clientAddressHeader = 'gateway-client-address'
export const clientAgentHeader = 'gateway-client-agent'

/** The client on the other side of the gateway; empty where the gateway does not tell. */
export interface CallerClient {
  /** The IP address. */
  readonly address?: string
  /** What the client calls itself: its User-Agent. */
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
