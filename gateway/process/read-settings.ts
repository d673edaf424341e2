import type { Logger } from 'pino'
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import { readConfig } from '../configuration/read-config.ts'
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
  settings.refuseProblems()
  const { production } = settings
  const development = !production && isLoopback(settings.text('HOST', defaultHost))
  // A password in the page: only where none but this machine reads it.
  const consoleAccount = development ? settings.optional('CONSOLE_ACCOUNT') : undefined
  return { config: read, secret, production, development, consoleAccount, traces }
}

/** Returns whether only programs of this machine reach a server that listens there. */
function isLoopback(host: string): boolean {
  const address = plainAddress(host)
  return host === 'localhost' || address === '::1' || address?.startsWith('127.') === true
}
