/** What clients see of a gateway that stops. It is the same for one process and for several. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import type { IncomingHttpHeaders, Server, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from './free-port.ts'
import { startModule } from '../scripts/support/run-script.ts'
import { compose } from './compose.ts'
import { startGatewayProcess } from './gateway-process.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { startIssuer } from './issuer.ts'
import type { TestIssuer } from './issuer.ts'
import { scratchFolder } from './scratch-folder.ts'
import { until } from './until.ts'

const folder = scratchFolder()
const supergraph = join(folder, 'supergraph.graphql')
let subgraph: Server
let issuer: TestIssuer
/** The requests that the subgraph has not responded to. */
let waiting: ServerResponse[] = []

/** Describes the tests for a gateway with that many workers. */
export function testStopping(workers: number): void {
  beforeAll(async () => {
    issuer = await startIssuer()
    subgraph = createServer((request, response) => {
      request.resume().on('end', () => {
        response.setHeader('content-type', 'application/json')
        waiting.push(response)
      })
    })
    subgraph.listen(0, '127.0.0.1')
    await once(subgraph, 'listening')
    const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
    const sdl = 'type Query { slow: String }'
    writeFileSync(supergraph, compose([{ name: 'slow', url, sdl }]))
  })

  afterAll(async () => {
    subgraph.closeAllConnections()
    subgraph.close()
    await issuer.close()
  })

  test('SIGTERM is announced; connections are accepted meanwhile; then exit code 0', async () => {
    const gateway = await start(workers, 'drain: { announce: 3s }')
    const agent = new Agent({ keepAlive: true })
    await until(async () => (await readiness(gateway, agent)).status === 200)
    expect((await readiness(gateway, agent)).headers).toMatchObject({
      connection: 'keep-alive',
      'keep-alive': 'timeout=75',
    })
    const before = slowResponse(gateway, agent)
    await until(() => waiting.length === 1)

    gateway.child.kill('SIGTERM')
    const stopping = await until(async () => {
      const seen = await readiness(gateway, new Agent())
      return seen.status === 503 && seen
    })
    expect(JSON.parse(stopping.body)).toEqual({
      status: 'not ready',
      reasons: ['the gateway is stopping'],
    })
    expect((await readiness(gateway, agent)).headers.connection).toBe('close')
    const meanwhile = slowResponse(gateway, agent)
    await until(() => waiting.length === 2)

    await until(() =>
      readiness(gateway, agent).then(
        () => false,
        () => true,
      ),
    )
    await respondToAll()
    for (const { status, headers, body } of [await before, await meanwhile]) {
      expect({ status, connection: headers.connection, body }).toEqual({
        status: 200,
        connection: 'close',
        body: '{"data":{"slow":"done"}}\n',
      })
    }
    expect(await gateway.ended).toBe(0)
    expect(gateway.log().filter(({ level }) => Number(level) >= 40)).toEqual([])
  })

  test('a request that takes longer than http.drain.finish is cut off and logged', async () => {
    const gateway = await start(workers, 'drain: { announce: 0s, finish: 300ms }')
    const outcome = slowResponse(gateway, new Agent()).catch((cause) => cause.code)
    await until(() => waiting.length === 1)
    gateway.child.kill('SIGTERM')
    expect(await outcome).toBe('ECONNRESET')
    expect(await gateway.ended).toBe(0)
    const line = { requests: 1, msg: 'requests were cut off: they took too long' }
    expect(gateway.log()).toContainEqual(expect.objectContaining(line))
    await respondToAll()
  })

  test('a request whose headers do not arrive does not delay the stop until http.drain.finish', async () => {
    const http = 'drain: { announce: 0s, finish: 10m }, timeouts: { headers: 2s, request: 1h }'
    const gateway = await start(workers, http)
    const outcome = slowResponse(gateway, new Agent())
    await until(() => waiting.length === 1)
    const slow = connect(Number(new URL(gateway.origin).port), '127.0.0.1')
    slow.on('error', () => {}).write('POST /graphql HTTP/1.1\r\nhost: ')
    gateway.child.kill('SIGTERM')
    await once(slow, 'close')
    await respondToAll()
    expect(await outcome).toMatchObject({ status: 200 })
    expect(await gateway.ended).toBe(0)
  })

  test('a second signal ends it at once', async () => {
    const gateway = await start(workers, '', { NODE_ENV: 'production' })
    const outcome = slowResponse(gateway, new Agent()).catch((cause) => cause.code)
    await until(() => waiting.length === 1)
    gateway.child.kill('SIGTERM')
    const agent = new Agent({ keepAlive: true })
    // Production announces by default: nothing has ended when it says so.
    await until(async () => (await readiness(gateway, agent)).status === 503)
    const isOver = gateway.ended.then(() => true)
    await until(async () => {
      gateway.child.kill('SIGTERM')
      return Promise.race([isOver, new Promise<false>((r) => setTimeout(r, 100, false))])
    })
    expect(await gateway.ended).toBe(143)
    expect(await outcome).toBe('ECONNRESET')
    await respondToAll()
  })

  test('SIGHUP while it starts is followed once it serves', async () => {
    const { run, source, respond } = await starting(workers)
    run.process.kill('SIGHUP')
    respond()
    await until(() => run.stderr.includes('serving with the new configuration'))
    expect(run.stdout).toContain('gateway listening on')
    run.process.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    source.closeAllConnections()
    source.close()
  })

  test('SIGTERM as soon as it accepts connections loses no request', async () => {
    // The port has to be known before the process says it: it serves earlier.
    const port = await freePort()
    const run = startModule('gateway/main', words(workers, supergraph, String(port)), {
      ...environment,
      NODE_ENV: 'production',
    })
    const gateway = { origin: `http://127.0.0.1:${port}` }
    const isReady = ({ status }: Seen) => status === 200
    await until(() => readiness(gateway, new Agent()).then(isReady, () => false))
    const outcome = slowResponse(gateway, new Agent())
    await until(() => waiting.length === 1)
    run.process.kill('SIGTERM')
    await until(async () => (await readiness(gateway, new Agent())).status === 503)
    await respondToAll()
    expect(await outcome).toMatchObject({ status: 200 })
    expect(await run.ended).toBe(0)
  })
}

function start(workers: number, http = '', environment = {}): Promise<GatewayProcess> {
  const config = configuration(workers, http)
  return startGatewayProcess({ folder, config, supergraph, environment })
}

/** On a busy machine, the subgraph may be told to respond only after its usual time. */
function configuration(workers: number, http = ''): string {
  return `workers: ${workers}
authentication:
  issuers: [{ issuer: '${issuer.issuer}', jwks_uri: '${issuer.jwksUri}', audiences: [portcullis] }]
subgraphs: { slow: { timeout: 1m } }
http: { deadline: 1m, ${http} }`
}

const environment = { GATEWAY_SECRET: 'a secret that only the tests of stopping know' }

function words(workers: number, source: string, port: string): string[] {
  const file = join(folder, `starting-${workers}.yaml`)
  writeFileSync(file, configuration(workers))
  return ['--supergraph', source, '--config', file, '--port', port]
}

/** A gateway that has asked for its supergraph, which the source sends when the test says so. */
async function starting(workers: number) {
  let respond = () => {}
  const text = readFileSync(supergraph)
  const source = createServer((_request, response) => (respond = () => response.end(text)))
  source.listen(0, '127.0.0.1')
  const requested = once(source, 'request')
  await once(source, 'listening')
  const url = `http://127.0.0.1:${(source.address() as AddressInfo).port}/supergraph.graphql`
  const run = startModule('gateway/main', words(workers, url, '0'), {
    ...environment,
    DATA_DIR: join(folder, `data-${randomUUID()}`),
  })
  await requested
  return { run, source, respond: () => respond() }
}

interface Seen {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function send(url: string, agent: Agent, body?: string): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    const sent = request(url, { agent, method: body ? 'POST' : 'GET', headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: text }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const readiness = ({ origin }: Pick<GatewayProcess, 'origin'>, agent: Agent) =>
  send(`${origin}/ready`, agent)
const query = '{"query":"{ slow }"}'
const slowResponse = ({ origin }: Pick<GatewayProcess, 'origin'>, agent: Agent) =>
  send(`${origin}/graphql`, agent, query)

async function respondToAll(): Promise<void> {
  for (const response of waiting) response.end('{"data":{"slow":"done"}}')
  waiting = []
}
