import type { Logger } from 'pino'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import { readConfig } from '../configuration/read-config.ts'
import { isLoopback } from '../http/own-machine.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import { problemOfSecrets } from './gateway-secrets.ts'
import { traceSettings } from './trace-settings.ts'

/** Where the gateway listens if HOST does not say it. */
export const defaultHost = '127.0.0.1'

/** Reads the configuration and the secret from their files; throws a StartFailure for problems. */
export function readGatewaySettings(config: string, log: Logger): GatewaySettings {
  const settings = readSettings(process.env)
  const secret = settings.secret('GATEWAY_SECRET')
  const problem = secret ? problemOfSecrets(secret) : undefined
  if (problem !== undefined) settings.problem(problem)
  settings.refuseProblems()
  const read = readConfig(config, process.env, log)
  const traces = traceSettings(read, settings)
  const { production } = settings
  const isAlone = isLoopback(settings.text('HOST', defaultHost)) && read.http.trustedProxies === 0
  const development = !production && isAlone
  // A password in the page: only where none but this machine reads it, directly.
  const consoleAccount = development ? settings.optional('CONSOLE_ACCOUNT') : undefined
  if (consoleAccount !== undefined && !/^[^:]+:./.test(consoleAccount)) {
    settings.problem('CONSOLE_ACCOUNT is not of the form username:password')
  }
  settings.refuseProblems()
  return { config: read, secret, production, development, consoleAccount, traces }
}
