/** What the names of clients need of several sections of the configuration. */
import type { GatewayConfig } from './gateway-config.ts'

/** Reports ids of clients that several issuers may have given to different clients, and issuers that are unknown. */
export function checkGivenClients(
  { authentication: { issuers }, operations: { exempt } }: GatewayConfig,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  for (const [index, { client, issuer }] of exempt.clients.entries()) {
    const path = ['operations', 'exempt', 'clients', index]
    if (issuer === undefined && issuers.length > 1) {
      const message = `there are several issuers, and each may have a client ${client}: write { issuer: ..., client: ${client} }`
      problem(path, message)
    }
    if (issuer !== undefined && issuers.every((entry) => entry.issuer !== issuer)) {
      problem([...path, 'issuer'], 'is the issuer of no entry of authentication.issuers')
    }
  }
}
