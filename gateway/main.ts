/** `npm run gateway`: the gateway, in as many processes as the configuration says. */
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { pino } from 'pino'
import { portOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { failureLine, runProcess } from '../subgraphs/kit/process/run-process.ts'
import { readSettings } from '../subgraphs/kit/process/settings.ts'
import type { ClusterOptions } from './process/start-workers.ts'
import { readConfig } from './configuration/read-config.ts'
import { problemOfSecrets } from './process/gateway-secrets.ts'
import type { GatewaySettings } from './process/configured-gateway.ts'
import { shippedConfig } from './configuration/shipped-config.ts'
import type { RunningGateway, StartGatewayOptions } from './process/start-single.ts'
import { oneAtATime } from './supergraph/one-at-a-time.ts'

const usage = `
Usage: npm run gateway -- [options]

Serves a supergraph at /graphql: verifies each access token once, plans, and forwards the verified
claims to the subgraphs in a signed header.

  --supergraph FILE   the composed supergraph (default: supergraph.graphql); followed as it changes
  --port N            the port to listen on; 0 lets the system choose (default: GATEWAY_PORT, or 4000)
  --config FILE       the configuration (default outside production: gateway/gateway.yaml)
  --help              this text

Environment: HOST, GATEWAY_PORT, DATA_DIR, GATEWAY_SECRET or GATEWAY_SECRET_FILE, NODE_ENV, LOG_LEVEL.
`

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

// The engine is loaded only where it serves.
if (cluster.isWorker) await (await import('./process/worker.ts')).runWorker(readOptions())
else runProcess('gateway', start)

async function start(): Promise<RunningGateway> {
  const options = readOptions()
  const settings = readSettingsOf(options)
  const { workers } = settings.config
  const count = workers === 'auto' ? availableParallelism() : workers
  const module = fileURLToPath(import.meta.url)
  const running =
    count === 1
      ? await startAlone({ ...options, settings })
      : await startSeveral({ ...options, settings, workers: count, module, giveUp })
  reloadWhenTold(running, options, settings)
  return running
}

async function startAlone(options: StartGatewayOptions) {
  const { startGateway } = await import('./process/start-single.ts')
  return startGateway(options)
}

async function startSeveral(options: ClusterOptions) {
  const { startCluster } = await import('./process/start-workers.ts')
  return startCluster(options)
}

function readOptions() {
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
  const host = settings.text('HOST', '127.0.0.1')
  const port =
    values.port !== undefined ? portOption(values.port) : settings.port('GATEWAY_PORT', 4000)
  const level = settings.choice('LOG_LEVEL', logLevels, 'info')
  settings.refuseProblems()
  return {
    supergraph: values.supergraph,
    config: values.config ?? shippedConfig(),
    listen: { host, port, portSetting: values.port !== undefined ? '--port' : 'GATEWAY_PORT' },
    log: pino({ name: 'gateway', level }, pino.destination(2)),
  }
}

/** As the files are now: the configuration, and the secret if it stands in a file. */
function readSettingsOf({ config, log }: ReturnType<typeof readOptions>): GatewaySettings {
  const settings = readSettings(process.env)
  const secret = settings.secret('GATEWAY_SECRET')
  const problem = secret ? problemOfSecrets(secret) : undefined
  if (problem !== undefined) settings.problem(problem)
  settings.refuseProblems()
  return { config: readConfig(config, process.env, log), secret }
}

/** Processes and ports stay as they were at the start. */
const atStartOnly = ['workers', 'metrics'] as const

/** On SIGHUP. */
function reloadWhenTold(
  running: RunningGateway,
  options: ReturnType<typeof readOptions>,
  { config: first }: GatewaySettings,
): void {
  const { log } = options
  const reloading = oneAtATime(async () => {
    try {
      const settings = readSettingsOf(options)
      await running.reload(settings)
      log.info({ config: options.config }, 'serving by the new configuration')
      const later = atStartOnly.filter(
        (key) => !isDeepStrictEqual(settings.config[key], first[key]),
      )
      if (later.length > 0) log.warn({ settings: later }, 'these settings need a restart')
    } catch (cause) {
      log.error({ reason: failureLine(cause) }, 'still serving by the last good configuration')
    }
  })
  process.on('SIGHUP', reloading.request)
}

function giveUp(sentence: string): void {
  console.error(`gateway: ${sentence}`)
  process.exit(1)
}
