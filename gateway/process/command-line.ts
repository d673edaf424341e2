import type { Logger } from 'pino'
import { portOption, readCommandLine } from '../../subgraphs/kit/process/command-line.ts'
import type { ListenOptions } from '../../subgraphs/kit/process/listen.ts'
import { logLevel, processLog } from '../../subgraphs/kit/process/log.ts'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import { shippedConfig } from '../configuration/shipped-config.ts'
import { accessLogOutput } from './access-log-output.ts'
import type { AccessLogOutput } from './access-log-output.ts'
import { defaultHost } from './read-settings.ts'

const usage = `
Usage: ${productCommand('gateway', '[options]')}

Serves a supergraph at /graphql: verifies each access token once, plans, and forwards the verified
claims to the subgraphs in a signed header.

  --supergraph PLACE  the composed supergraph, a file or an https URL (default: supergraph.graphql);
                      followed as it changes
  --port N            the port to listen on; 0 lets the system choose (default: GATEWAY_PORT, or 4000)
  --config FILE       the configuration (default outside production: the shipped one)
  --help              this text

Environment: HOST, GATEWAY_PORT, DATA_DIR, GATEWAY_SECRET or GATEWAY_SECRET_FILE, NODE_ENV, LOG_LEVEL, CONSOLE_ACCOUNT, OTEL_*.
`

export interface CommandLine {
  /** The file or the URL of the composed supergraph. */
  readonly supergraph: string
  /** Where the last good supergraph of a URL is kept. */
  readonly dataDirectory: string
  /** The file of the configuration. */
  readonly config: string
  readonly listen: ListenOptions
  readonly log: Logger
  readonly accessLog: AccessLogOutput
}

/** Returns the options of `npm run gateway`; throws a StartFailure that lists all problems. */
export function gatewayCommandLine(): CommandLine {
  const { values } = readCommandLine({
    usage,
    options: {
      supergraph: { type: 'string', default: 'supergraph.graphql' },
      port: { type: 'string' },
      config: { type: 'string' },
    },
  })
  const settings = readSettings(process.env)
  if (settings.production && !values.config) {
    settings.problem('no configuration is named: give one with --config gateway.yaml')
  }
  const host = settings.text('HOST', defaultHost)
  const port =
    values.port !== undefined ? portOption(values.port) : settings.port('GATEWAY_PORT', 4000)
  const level = logLevel(settings)
  settings.refuseProblems()
  const log = processLog('gateway', level)
  return {
    supergraph: values.supergraph,
    dataDirectory: settings.dataDirectory,
    config: values.config ?? shippedConfig(),
    listen: { host, port, portSetting: values.port !== undefined ? '--port' : 'GATEWAY_PORT' },
    log,
    accessLog: accessLogOutput(log),
  }
}
