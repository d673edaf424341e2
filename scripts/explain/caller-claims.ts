import { decodeJwt } from 'jose'
import { claimSelector } from '../../gateway/authentication/select-claims.ts'
import { tenantIssuers } from '../../gateway/authentication/tenant-issuers.ts'
import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { GatewayError } from '../../gateway/errors.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { readObject } from './read-file.ts'

/**
 * Returns the claims of the caller, or null for an anonymous one. The claims of a token are read as the
 * configuration of its issuer says, if there is a configuration.
 */
export function callerClaims(
  { claims, token }: { claims?: string; token?: string },
  config: GatewayConfig | undefined,
): Claims | null {
  if (claims !== undefined && token !== undefined) {
    throw new StartFailure('--claims and --token cannot be combined')
  }
  if (claims !== undefined) return asClaims(readObject(claims), claims)
  if (token === undefined) return null
  const payload = asClaims(payloadOf(token), 'the token')
  return config ? selected(payload, config) : payload
}

function payloadOf(token: string): Record<string, unknown> {
  try {
    return decodeJwt(token)
  } catch (cause) {
    throw new StartFailure('the token is not a JWT', { cause })
  }
}

function asClaims(value: Record<string, unknown>, where: string): Claims {
  if (typeof value.sub === 'string') return value as Claims
  throw new StartFailure(`${where} has no claim \`sub\``)
}

/** The scopes are read from the configured claim, limited to those that the issuer may grant. */
function selected(payload: Claims, { authentication, claims }: GatewayConfig): Claims {
  const issuer = authentication.issuers.find((options) =>
    tenantIssuers(options).includes(String(payload.iss)),
  )
  if (!issuer) throw new StartFailure('the issuer of the token is not in the configuration')
  try {
    return claimSelector({ forward: claims.forward, narrowed: [] }, issuer)(payload).claims
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause
    throw new StartFailure(`the token would be refused: ${cause.message}`, { cause })
  }
}
