import type { Logger } from 'pino'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import { readConfig } from '../configuration/read-config.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { problemOfSecrets } from './gateway-secrets.ts'
import { traceSettings } from './trace-settings.ts'

/** Reads the configuration and the secret from their files; throws a StartFailure for problems. */
export function readGatewaySettings(config: string, log: Logger): GatewaySettings {
  const settings = readSettings(process.env)
  const secret = settings.secret('GATEWAY_SECRET')
  const problem = secret ? problemOfSecrets(secret) : undefined
  if (problem !== undefined) settings.problem(problem)
  settings.refuseProblems()
  const read = readConfig(config, process.env, log)
  const traces = traceSettings(read, settings)
  settings.refuseProblems()
  return { config: read, secret, production: settings.production, traces }
}
