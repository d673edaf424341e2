/** For the tests of subgraphs: the headers that the gateway would have sent. */
import { claimsHeaderName, claimsHeaderWriter } from './claims-header.ts'
import type { Claims } from './claims-header.ts'
import { verificationKeys } from './claims-keys.ts'
import { clientAddressHeader, clientAgentHeader } from './client-headers.ts'
import type { CallerClient } from './client-headers.ts'

/**
 * Returns the headers of a request as the gateway would send them, to spread into a fetch call:
 *
 *   fetch(url, { headers: { 'content-type': 'application/json', ...gatewayHeaders('users', key, { sub: '1' }) } })
 *
 * @param key the claims key, as bytes or as the text of CLAIMS_KEY; the first one signs
 * @param claims the caller's claims, or null for an anonymous caller
 * @param client the facts about the client that the gateway forwards if configured to
 */
export function gatewayHeaders(
  subgraph: string,
  key: Uint8Array | string | undefined,
  claims: Claims | null,
  client: CallerClient = {},
): Record<string, string> {
  const write = claimsHeaderWriter(subgraph, { algorithm: 'HS256', key: signingKey(key, subgraph) })
  return {
    [claimsHeaderName]: write(claims),
    ...(client.address === undefined ? {} : { [clientAddressHeader]: client.address }),
    ...(client.agent === undefined ? {} : { [clientAgentHeader]: client.agent }),
  }
}

function signingKey(key: Uint8Array | string | undefined, subgraph: string): Uint8Array {
  if (key instanceof Uint8Array) return key
  const [newest] = verificationKeys(key, subgraph) as readonly Uint8Array[]
  return newest!
}
