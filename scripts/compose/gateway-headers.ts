import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gatewaySecrets, problemOfSecrets } from '../../gateway/process/gateway-secrets.ts'
import {
  claimsHeaderName,
  claimsHeaderWriter,
  deriveClaimsKey,
} from '../../subgraphs/kit/claims-header.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { Environment } from './supergraph-config.ts'

/** Returns the headers that the gateway sends to a subgraph for an anonymous caller. */
export type GatewayHeaders = (subgraph: string) => Readonly<Record<string, string>>

/**
 * Returns the function that signs requests as the gateway does: with GATEWAY_SECRET(_FILE) or, in
 * development, with the generated secret in DATA_DIR; undefined if there is none. Throws a StartFailure
 * if the secret is not valid.
 */
export function gatewayHeadersOf(environment: Environment): GatewayHeaders | undefined {
  const settings = readSettings(environment)
  const isSet = settings.optional('GATEWAY_SECRET') ?? settings.optional('GATEWAY_SECRET_FILE')
  const secret = isSet ? settings.secret('GATEWAY_SECRET') : madeInDevelopment(settings)
  if (secret === undefined) return undefined
  const problem = secret ? problemOfSecrets(secret) : undefined
  if (problem !== undefined) settings.problem(problem)
  settings.refuseProblems()
  const [first] = gatewaySecrets(secret)
  return (subgraph) => {
    const key = deriveClaimsKey(first!, subgraph)
    const write = claimsHeaderWriter(subgraph, { algorithm: 'HS256', key })
    return { [claimsHeaderName]: write(null) }
  }
}

function madeInDevelopment(settings: ReturnType<typeof readSettings>): string | undefined {
  if (settings.production) return undefined
  try {
    return readFileSync(join(settings.dataDirectory, 'secrets', 'gateway-secret'), 'utf8').trim()
  } catch {
    return undefined
  }
}
