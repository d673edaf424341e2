import { setTimeout as delay } from 'node:timers/promises'
import type { GraphqlResponse } from './send.ts'

/** How long a revocation takes to reach every gateway, in milliseconds. */
export const revocationLag = 6_000

/** Repeats a request until it is refused; returns the reason, and after how many milliseconds that was. */
export async function untilRefused(request: () => Promise<GraphqlResponse>) {
  const startedAt = Date.now()
  for (;;) {
    const response = await request()
    const after = Date.now() - startedAt
    const reason = response.errors[0]?.extensions?.reason
    if (response.status === 401) return { after, reason }
    if (after > 2 * revocationLag) return { after, reason: 'not refused' }
    await delay(100)
  }
}
