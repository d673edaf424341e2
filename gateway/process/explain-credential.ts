/** How the gateway judges a credential, for the page: the checks of `npm run explain-token` in a running gateway. */
import type { Authenticator } from '../authentication/authenticator.ts'
import { narrowClaims } from '../authentication/select-claims.ts'
import { mayExplain } from '../authorization/may-explain.ts'
import type { ExplainTo } from '../authorization/may-explain.ts'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { errorTable, GatewayError } from '../errors.ts'
import type { ExplainCredential } from '../http/console-page.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'

interface ExplainCredentialParts {
  readonly callers: Pick<Authenticator, 'authenticate' | 'explain'>
  readonly explainTo: ExplainTo
  readonly config: Pick<GatewayConfig, 'claims'>
}

/** Returns the function that explains a credential to a caller; it rejects with a GatewayError. */
export function credentialExplainer(parts: ExplainCredentialParts): ExplainCredential {
  const { callers, explainTo, config } = parts
  return async (headers, credential) => {
    if (explainTo !== 'everyone') {
      const caller = await callers.authenticate(headers)
      if (!caller.claims) throw new GatewayError('TOKEN_MISSING')
      if (!mayExplain(explainTo, caller)) throw new GatewayError('INSUFFICIENT_SCOPE')
    }
    const explained = await callers.explain(credential)
    if ('outcome' in explained) {
      const { message } = errorTable[explained.reason]
      return { decision: explained.reason, message, checks: [], toldSubgraphs: [] }
    }
    const { decision, checks, token, claims } = explained
    return {
      decision,
      ...(decision === 'accepted' ? {} : { message: errorTable[decision].message }),
      checks,
      payload: token?.payload,
      toldSubgraphs: claims ? toldSubgraphs(claims as Claims, config) : [],
    }
  }
}

/** Returns the claims that each subgraph gets; the last entry is of those that the configuration does not name. */
function toldSubgraphs(
  claims: Claims,
  { claims: { forward, subgraphs } }: Pick<GatewayConfig, 'claims'>,
) {
  const named = Object.entries(subgraphs).map(([subgraph, entry]) => ({
    subgraph,
    claims: entry.anonymous ? null : narrowClaims(claims, entry.forward ?? forward),
  }))
  return [...named, { subgraph: null, claims: narrowClaims(claims, forward) }]
}
