/** Who took part in a step: every process counts the requests that it answers. */
import type { SystemUrls } from '../start/start-system.ts'

/** GraphQL requests that each process has answered, and tokens that the gateway has looked at. */
export interface Counts {
  readonly gateway: number
  readonly auth: number
  readonly users: number
  readonly tokensAccepted: number | undefined
  readonly tokensRefused: number | undefined
}

/** Returns the counts since each process started. */
export async function readCounts(urls: SystemUrls): Promise<Counts> {
  const [gateway, auth, users] = await Promise.all([
    health(urls.gateway),
    health(urls.auth),
    health(urls.users),
  ])
  return {
    gateway: gateway.requests.answered,
    auth: auth.requests.answered,
    users: users.requests.answered,
    tokensAccepted: gateway.tokens?.accepted,
    tokensRefused: gateway.tokens?.refused,
  }
}

/** Returns what was counted between two readings. */
export function difference(before: Counts, after: Counts): Counts {
  const between = (from: number | undefined, to: number | undefined) =>
    from === undefined || to === undefined ? undefined : to - from
  return {
    gateway: after.gateway - before.gateway,
    auth: after.auth - before.auth,
    users: after.users - before.users,
    tokensAccepted: between(before.tokensAccepted, after.tokensAccepted),
    tokensRefused: between(before.tokensRefused, after.tokensRefused),
  }
}

/** Returns the counts in words: `gateway 1, auth 1, users 0 requests`. */
export function describeCounts({ gateway, auth, users }: Counts): string {
  return `requests answered: gateway ${gateway}, auth ${auth}, users ${users}`
}

interface Health {
  requests: { answered: number }
  tokens?: { accepted: number; refused: number }
}

async function health(url: string): Promise<Health> {
  const response = await fetch(new URL('/health', url))
  return (await response.json()) as Health
}
