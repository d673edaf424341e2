/** `npm run gateway`: one gateway process. */
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { portOption, readCommandLine } from '../subgraphs/kit/process/command-line.ts'
import { runProcess } from '../subgraphs/kit/process/run-process.ts'
import { readSettings } from '../subgraphs/kit/process/settings.ts'
import { startGateway } from './start-gateway.ts'

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

/** What the subgraphs' keys are derived from has at least their length, in bytes. */
const leastSecretLength = 32

runProcess('gateway', async () => {
  const { values } = readCommandLine({
    usage,
    options: {
      supergraph: { type: 'string', default: 'supergraph.graphql' },
      port: { type: 'string' },
      config: { type: 'string' },
    },
  })
  const settings = readSettings(process.env)
  const shipped = fileURLToPath(new URL('gateway.yaml', import.meta.url))
  if (settings.production && !values.config) {
    settings.problem('no configuration is named: give one with --config gateway.yaml')
  }
  const host = settings.text('HOST', '127.0.0.1')
  const port = values.port ? portOption(values.port) : settings.port('GATEWAY_PORT', 4000)
  const secret = settings.secret('GATEWAY_SECRET')
  if (secret && Buffer.byteLength(secret) < leastSecretLength) {
    settings.problem(`GATEWAY_SECRET is shorter than ${leastSecretLength} bytes`)
  }
  settings.refuseProblems()

  return startGateway({
    supergraph: values.supergraph,
    config: values.config ?? shipped,
    environment: process.env,
    secret,
    listen: { host, port, portSetting: values.port ? '--port' : 'GATEWAY_PORT' },
    log: pino({ name: 'gateway', level: settings.text('LOG_LEVEL', 'info') }, pino.destination(2)),
  })
})
