import type { GatewayConfig } from '../configuration/gateway-config.ts'
import { accessLog } from '../telemetry/access-log.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import type { PseudonymOf } from '../telemetry/subject-pseudonym.ts'
import type { AccessLogOutput } from './access-log-output.ts'

/** Returns the access log of a configuration; undefined where no request is logged. */
export function configuredAccessLog(
  { telemetry: { accessLog: rates } }: GatewayConfig,
  pseudonymOf: PseudonymOf,
  output: AccessLogOutput | undefined,
): AccessLog | undefined {
  if (!output || (rates.sample === 0 && rates.errors === 0)) return undefined
  return accessLog({ ...rates, pseudonymOf, write: output.write })
}
