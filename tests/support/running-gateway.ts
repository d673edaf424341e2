/** A gateway over real HTTP with an issuer and subgraphs of the test's own. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { readConfig } from '../../gateway/configuration/read-config.ts'
import { startGateway } from '../../gateway/process/start-single.ts'
import { traceSettings } from '../../gateway/process/trace-settings.ts'
import { readSettings } from '../../subgraphs/kit/process/settings.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'
import { compose } from './compose.ts'
import type { SubgraphSource } from './compose.ts'
import { whenReady } from './when-ready.ts'

export const gatewaySecret = 'a secret that only the tests of the gateway know'

export interface RunningGateway {
  readonly url: string
  readonly origin: string
  /** Every line logged so far. */
  readonly log: readonly string[]
  /** Every line of the access log so far. */
  readonly accessLog: readonly string[]
  replaceSupergraph(subgraphs: readonly SubgraphSource[]): void
  writeSupergraph(text: string): void
  /** Writes another gateway.yaml. */
  configure(change: (config: string) => string): void
  /** Reads the configuration again, as SIGHUP does. */
  reload(): Promise<void>
  close(): Promise<void>
}

export interface RunGatewayOptions {
  /** A supergraph file that is there already. */
  readonly supergraph?: string
  /** OpenTelemetry's variables. */
  readonly environment?: Environment
  /** Whether to wait until the gateway is ready, and not only until it listens; default: true. */
  readonly untilReady?: boolean
}

/** @param config the text of gateway.yaml */
export async function runGateway(
  subgraphs: readonly SubgraphSource[],
  config: string,
  { supergraph: given, environment = {}, untilReady = true }: RunGatewayOptions = {},
): Promise<RunningGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-gateway-'))
  const supergraph = given ?? join(folder, 'supergraph.graphql')
  const configFile = join(folder, 'gateway.yaml')
  if (given === undefined) writeFileSync(supergraph, compose(subgraphs))
  writeFileSync(configFile, config)
  const log: string[] = []
  const accessLog: string[] = []
  const settings = () => {
    const config = readConfig(configFile, {})
    return {
      config,
      secret: gatewaySecret,
      traces: traceSettings(config, readSettings(environment)),
    }
  }
  const running = await startGateway({
    supergraph,
    dataDirectory: folder,
    settings: settings(),
    listen: { host: '127.0.0.1', port: 0, portSetting: '--port' },
    accessLog: { write: (line) => void accessLog.push(line), flush() {}, lost: 0 },
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
  })

  const writeSupergraph = (text: string) => {
    writeFileSync(`${supergraph}.new`, text)
    renameSync(`${supergraph}.new`, supergraph)
  }
  const { origin } = new URL(running.url)
  if (untilReady) {
    await whenReady(origin).catch(async (cause: unknown) => {
      await running.close()
      throw cause
    })
  }
  return {
    url: running.url,
    origin,
    log,
    accessLog,
    writeSupergraph,
    configure: (change) => writeFileSync(configFile, change(readFileSync(configFile, 'utf8'))),
    reload: () => running.reload(settings()),
    replaceSupergraph: (sources) => writeSupergraph(compose(sources)),
    async close() {
      await running.close()
      rmSync(folder, { recursive: true })
    },
  }
}
