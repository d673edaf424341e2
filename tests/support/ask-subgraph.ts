/** Asks a subgraph what the gateway would ask: with the claims of a caller in the claims header. */
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { CallerClient } from '../../subgraphs/kit/client-headers.ts'
import { gatewayHeaders } from '../../subgraphs/kit/testing.ts'

export const gatewaySecret = 'a gateway secret of the tests that is long enough'

/** The environment of a subgraph process that trusts `gatewaySecret`. */
export function claimsKeyOf(subgraph: string): string {
  return Buffer.from(deriveClaimsKey(gatewaySecret, subgraph)).toString('base64url')
}

export interface Answer {
  readonly data?: any
  readonly errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[]
}

/** Returns a function that asks one subgraph on behalf of a caller; null is an anonymous one. */
export function asker(
  subgraph: string,
  url: string,
  key = deriveClaimsKey(gatewaySecret, subgraph),
) {
  return async (
    claims: Claims | null,
    query: string,
    variables: Record<string, unknown> = {},
    client: CallerClient = {},
  ): Promise<Answer> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...gatewayHeaders(subgraph, key, claims, client),
      },
      body: JSON.stringify({ query, variables }),
    })
    return (await response.json()) as Answer
  }
}

export type Ask = ReturnType<typeof asker>

/** Returns the codes of a response's errors. */
export function codes(answer: Answer): unknown[] {
  return (answer.errors ?? []).map(({ extensions }) => extensions.code)
}
