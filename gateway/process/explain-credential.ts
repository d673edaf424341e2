/** How the gateway judges a credential, for the page: the checks of `npm run explain-token` in a running gateway. */
import type { Authenticator } from '../authentication/authenticator.ts'
import { narrowClaims } from '../authentication/select-claims.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { errorTable } from '../errors.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

/** Returns the decision about a credential, every check, and the claims that each subgraph would receive. */
export async function explainCredential(
  { credential, address }: { readonly credential: string; readonly address: string },
  callers: Pick<Authenticator, 'explain'>,
  config: Pick<GatewayConfig, 'claims'>,
): Promise<object> {
  const explained = await callers.explain(credential, address)
  if ('outcome' in explained) {
    const { message } = errorTable[explained.reason]
    return { decision: explained.reason, message, checks: [], forwardedClaims: [] }
  }
  const { decision, checks, token, claims } = explained
  return {
    decision,
    ...(decision === 'accepted' ? {} : { message: errorTable[decision].message }),
    checks,
    payload: token?.payload,
    forwardedClaims: claims ? forwardedClaims(claims as Claims, config) : [],
  }
}

/** Returns the claims that each subgraph gets; the last entry is of those that the configuration does not name. */
function forwardedClaims(
  claims: Claims,
  { claims: { forward, subgraphs } }: Pick<GatewayConfig, 'claims'>,
) {
  const named = Object.entries(subgraphs).map(([subgraph, entry]) => ({
    subgraph,
    claims: entry.anonymous ? null : narrowClaims(claims, entry.forward ?? forward),
  }))
  return [...named, { subgraph: null, claims: narrowClaims(claims, forward) }]
}
