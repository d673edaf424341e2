/** Which processes took part in a step: each counts its responses. */
import type { SystemUrls } from '../start/start-system.ts'

/** The number of GraphQL responses of each process, and of tokens that the gateway has checked. */
export interface Counts {
  readonly gateway: number
  readonly auth: number
  readonly users: number
  readonly tokensAccepted: number
  readonly tokensRefused: number
}

/** Returns the counts since each process started. */
export async function readCounts(urls: SystemUrls): Promise<Counts> {
  const [gateway, auth, users] = await Promise.all([
    health<GatewayHealth>(urls.gateway),
    health<Health>(urls.auth),
    health<Health>(urls.users),
  ])
  return {
    gateway: gateway.requests.answered,
    auth: auth.requests.answered,
    users: users.requests.answered,
    tokensAccepted: gateway.tokens.accepted,
    tokensRefused: gateway.tokens.refused,
  }
}

/** Returns the difference between two readings. */
export function difference(before: Counts, after: Counts): Counts {
  return {
    gateway: after.gateway - before.gateway,
    auth: after.auth - before.auth,
    users: after.users - before.users,
    tokensAccepted: after.tokensAccepted - before.tokensAccepted,
    tokensRefused: after.tokensRefused - before.tokensRefused,
  }
}

/** Returns the counts in words. */
export function describeCounts({ gateway, auth, users }: Counts): string {
  return `responses: gateway ${gateway}, auth ${auth}, users ${users}`
}

interface Health {
  requests: { answered: number }
}

interface GatewayHealth extends Health {
  tokens: { accepted: number; refused: number }
}

async function health<GraphqlResponse>(url: string): Promise<GraphqlResponse> {
  const response = await fetch(new URL('/health', url))
  return (await response.json()) as GraphqlResponse
}
