import { hkdfSync } from 'node:crypto'
import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { accessLog } from '../telemetry/access-log.ts'
import type { LogRequest } from '../telemetry/access-log.ts'
import type { AccessLogOutput } from './access-log-output.ts'

/** Returns the access log of a configuration; undefined where no request is logged. */
export function configuredAccessLog(
  { telemetry: { accessLog: rates } }: GatewayConfig,
  secret: string,
  output: AccessLogOutput | undefined,
): LogRequest | undefined {
  if (!output || (rates.sample === 0 && rates.errors === 0)) return undefined
  return accessLog({ ...rates, pseudonymKey: pseudonymKey(secret), write: output.write })
}

/** All gateways of a deployment give a subject the same pseudonym; without the secret nobody can check a guess. */
function pseudonymKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis access log: subjects', 32))
}
