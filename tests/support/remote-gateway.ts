/** Gateways that fetch their supergraph from a server of the test's own. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals'
import { pino } from 'pino'
import { readConfig } from '../../gateway/configuration/read-config.ts'
import { startGateway } from '../../gateway/process/start-single.ts'
import type { RunningGateway } from '../../gateway/process/start-single.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { compose } from './compose.ts'
import { startIssuer } from './issuer.ts'
import type { TestIssuer } from './issuer.ts'
import { scratchFolder } from './scratch-folder.ts'
import { startSupergraphServer, supergraphPath } from './supergraph-server.ts'
import type { SupergraphServer } from './supergraph-server.ts'
import { until } from './until.ts'

export interface RemoteGateway extends RunningGateway {
  readonly dataDirectory: string
  /** Returns whether the schema has that field of the root. */
  serves(field: string): Promise<boolean>
  ready(): Promise<{ status: number; body: { reasons?: string[] } }>
  /** Serves by another section `supergraph`, as SIGHUP does. */
  configure(supergraph: object): Promise<void>
  /** The lines of the log that contain the text. */
  linesWith(text: string | RegExp): readonly string[]
}

export interface RemoteGateways {
  readonly folder: string
  /** The server of the supergraph, another one for each test. */
  readonly source: SupergraphServer
  /** Requests for `slow`, which are answered when the test says so. */
  readonly held: ServerResponse[]
  /** Returns a supergraph with `slow` and these fields: v1, v2, v3. */
  version(...fields: string[]): string
  publish(text: string): void
  respond(response: ServerResponse): void
  /** @param place what `--supergraph` names; left out: the source */
  start(settings?: object, dataDirectory?: string, place?: string): Promise<RemoteGateway>
}

/** Starts an issuer and a subgraph for the tests of a file, and a source for each test. */
export function remoteGateways(): RemoteGateways {
  const folder = scratchFolder()
  const held: ServerResponse[] = []
  const running = new Set<RemoteGateway>()
  let issuer: TestIssuer
  let subgraph: Server
  let source: SupergraphServer

  beforeAll(async () => {
    issuer = await startIssuer()
    subgraph = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => (body.includes('slow') ? held.push(response) : respond(response)))
    })
    await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
  })
  beforeEach(async () => {
    source = await startSupergraphServer(version('v1'))
  })
  afterEach(async () => {
    held.splice(0).forEach(respond)
    await Promise.all([...running].map((gateway) => gateway.close()))
    await source.stop().catch(() => {})
  })
  afterAll(async () => {
    subgraph.close()
    await issuer.close()
  })

  function respond(response: ServerResponse): void {
    const data = { slow: 'done', v1: '1', v2: '2', v3: '3' }
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }))
  }

  function version(...fields: string[]): string {
    const { port } = subgraph.address() as AddressInfo
    const sdl = `type Query { slow: String ${fields.map((field) => `${field}: String`).join(' ')} }`
    return compose([{ name: 'only', url: `http://127.0.0.1:${port}/graphql`, sdl }])
  }

  async function start(
    settings: object = {},
    dataDirectory = mkdtempSync(join(folder, 'data-')),
    place = source.url,
  ): Promise<RemoteGateway> {
    const file = join(dataDirectory, 'gateway.yaml')
    const trusted = { issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }
    const read = (section: object) => {
      const supergraph = { poll: '1s', ...section }
      const rest = { subgraphs: { only: { timeout: '1m' } }, http: { deadline: '1m' } }
      const config = { authentication: { issuers: [trusted] }, supergraph, ...rest }
      writeFileSync(file, JSON.stringify(config))
      return { config: readConfig(file, {}), secret: 'a secret that only these tests know of' }
    }
    const log: string[] = []
    const started = await startGateway({
      supergraph: place,
      dataDirectory,
      settings: read(settings),
      listen: { host: '127.0.0.1', port: 0, portSetting: '--port' },
      log: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
    })
    const gateway: RemoteGateway = {
      ...started,
      dataDirectory,
      serves: async (field) => (await send(started.url, { query: `{ ${field} }` })).status === 200,
      async ready() {
        const response = await fetch(new URL('/ready', started.url))
        return { status: response.status, body: (await response.json()) as { reasons?: string[] } }
      },
      configure: (section) => started.reload(read(section)),
      linesWith: (text) =>
        log.filter((line) => (typeof text === 'string' ? line.includes(text) : text.test(line))),
      async close() {
        running.delete(gateway)
        await started.close()
      },
    }
    running.add(gateway)
    const keysAreMissing = async () =>
      (await gateway.ready()).body.reasons?.some((reason) => !reason.includes('supergraph'))
    await until(async () => !(await keysAreMissing()))
    return gateway
  }

  return {
    folder,
    get source() {
      return source
    },
    held,
    version,
    publish: (text) => void source.files.set(supergraphPath, text),
    respond,
    start,
  }
}
