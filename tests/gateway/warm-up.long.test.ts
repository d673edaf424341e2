/** The warm-up of a process: it uses the complete gateway, and nothing outside of it can tell. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { pino } from 'pino'
import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { readConfig } from '../../gateway/configuration/read-config.ts'
import { madeUpIssuer } from '../../gateway/process/warm-up/made-up-issuer.ts'
import { warmUpProcess } from '../../gateway/process/warm-up/warm-up-process.ts'
import { compose } from '../support/compose.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { spawnGateway, startGatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

/** Everything for which a made-up request or response needs more than a name. */
const sdl = `
  extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@requiresScopes", "@policy"])
  type Query {
    person(id: ID!, filter: Filter!): Person
    people: [[Person!]!]!
    node: Node
    found: Found
    secret: String @requiresScopes(scopes: [["secrets:read"]])
    decided: Int @policy(policies: [["in the beta"]])
  }
  type Mutation { change(person: Change!): Person }
  input Filter { kinds: [Kind!]! child: Filter at: Date! }
  input Change { name: String! age: Int }
  enum Kind { GOOD BAD }
  scalar Date
  interface Node { id: ID! }
  type Person implements Node @key(fields: "id") { id: ID! name: String kind: Kind born: Date friends: [Person!] }
  type Place implements Node { id: ID! at: Float open: Boolean }
  union Found = Person | Place
`
const other = `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
  type Person @key(fields: "id") { id: ID! likes: [String!]! }
`

const folder = scratchFolder()
let issuer: TestIssuer
let outside: Server
/** The requests that have reached a subgraph or the policy service. */
const received: string[] = []
let gateway: RunningGateway

beforeAll(async () => {
  issuer = await startIssuer()
  outside = createServer((request, response) => {
    received.push(`${request.method} ${request.url}`)
    request.resume()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ data: { people: [] } }))
  })
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  // Limits that are far below what is made up.
  const limits = 'limits: { height: 2, cost: { max: 100 } }'
  gateway = await startedGateway(`warm_up: { time: 10s }\n${limits}`)
})
afterAll(async () => {
  await gateway?.close()
  outside?.close()
  outside?.closeAllConnections()
  await issuer?.close()
})

const origin = () => `http://127.0.0.1:${(outside.address() as AddressInfo).port}`

function configText(more: string): string {
  return `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis] }
authorization: { policies: { url: ${origin()}/policies } }
telemetry: { access_log: { sample: 1 } }
metrics: { port: 0 }
${more}
`
}

function configOf(more: string): GatewayConfig {
  const file = join(folder, 'gateway.yaml')
  writeFileSync(file, configText(more))
  return readConfig(file, {})
}

const subgraphs = () => [
  { name: 'one', url: `${origin()}/one`, sdl },
  { name: 'two', url: `${origin()}/two`, sdl: other },
]

function startedGateway(more: string): Promise<RunningGateway> {
  return runGateway(subgraphs(), configText(more))
}

const lines = (of: RunningGateway) => of.log.map((line) => JSON.parse(line))

test('a warm-up has sent requests of every kind, and none was refused', () => {
  const line = lines(gateway).find(({ msg }) => msg === 'warmed up')
  expect(line).toMatchObject({ refused: 0 })
  expect(line.requests).toBeGreaterThan(7)
})

test('no subgraph, no policy service and no issuer has received a request because of it', () => {
  expect(received).toEqual([])
  expect(issuer.asked()).toBe(1)
})

test('it has left no trace in the logs, the metrics and the counts', async () => {
  expect(gateway.accessLog).toEqual([])
  expect(gateway.log.join('')).not.toMatch(/WarmUp|made up|urn:uuid/)
  const { url } = lines(gateway).find(({ msg }) => msg === 'serving metrics')
  const metrics = await (await fetch(url)).text()
  const counted = metrics
    .split('\n')
    .filter((line) =>
      /^portcullis_(?!supergraph|key_set|revocation|config|serving_processes)\S+ [^0]/.test(line),
    )
  expect(counted).toEqual([])
  expect(await (await fetch(new URL('/usage', url))).text()).not.toContain('Person')
  expect(await (await fetch(`${gateway.origin}/health`)).json()).toMatchObject({
    requests: { answered: 0 },
    tokens: { accepted: 0, refused: 0 },
  })
})

test('a token of a made-up issuer is refused by the gateway that serves', async () => {
  const config = configOf('')
  const { credentials } = await madeUpIssuer(config.authentication, ['secrets:read'])
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(await credentials()) },
    body: '{"query":"{ secret }"}',
  })
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({
    errors: [{ extensions: { reason: 'ISSUER_UNKNOWN' } }],
  })
})

test('the first real request reaches its subgraph', async () => {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ people { id } }"}',
  })
  expect(await response.json()).toEqual({ data: { people: [] } })
  expect(received).toEqual(['POST /one'])
})

describe('without a warm-up', () => {
  test('outside production there is none', async () => {
    const another = await startedGateway('')
    expect(lines(another).map(({ msg }) => msg)).not.toContain('warmed up')
    await another.close()
  })

  test('a fault of it is one warning, and the process serves', async () => {
    const log: string[] = []
    const config = configOf('warm_up: { time: 1s }')
    const version = {
      rehearsal() {
        throw new Error('a fault')
      },
    } as never
    await warmUpProcess(
      {
        config,
        operations: { earlier: async () => [] },
        log: pino({}, { write: (line: string) => void log.push(line) }),
      },
      version,
      { document: { definitions: [] } } as never,
    )
    expect(log.map((line) => JSON.parse(line))).toMatchObject([{ level: 40, reason: 'a fault' }])
  })
})

describe.each([1, 2])('a gateway with workers: %d', (workers) => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    '%s while it is warming up ends it at once, exit code 0',
    async (signal) => {
      const supergraph = join(folder, 'supergraph.graphql')
      writeFileSync(supergraph, compose(subgraphs()))
      const config = configText(`workers: ${workers}\nwarm_up: { time: 60s }`)
      const environment = { LOG_LEVEL: 'debug' }
      const starting = spawnGateway({ folder, config, supergraph, environment })
      const warming = await until(
        () => starting.log().find(({ msg }) => msg === 'warming up') as { pid: number } | undefined,
      )
      starting.child.kill(signal)
      expect(await starting.ended).toBe(0)
      await until(() => !isRunning(warming.pid))
      expect(starting.log().map(({ msg }) => msg)).not.toContain('warmed up')
    },
  )
})

describe.each([1, 2])('what clients send most, with workers: %d', (workers) => {
  const data = join(folder, `data-${workers}`)
  const starts = async (more: string) => {
    const supergraph = join(folder, 'supergraph.graphql')
    writeFileSync(supergraph, compose(subgraphs()))
    const config = configText(`workers: ${workers}\nwarm_up: { time: 5s }\n${more}`)
    return startGatewayProcess({ folder, config, supergraph, environment: { DATA_DIR: data } })
  }
  const kept = () => {
    const files = readdirSync(data).filter((name) => name.startsWith('operations-'))
    expect(files).toHaveLength(1)
    return join(data, files[0]!)
  }
  const send = async ({ origin }: GatewayProcess, body: object) => {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'graphql-client-name': 'canary-client' },
      body: JSON.stringify(body),
    })
    return response.status
  }
  const stopped = async ({ child, ended }: GatewayProcess) => {
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  }

  test('is kept without a value of a client, for its owner only', async () => {
    const running = await starts('')
    const filter = { kinds: ['GOOD'], at: 'canary-variable' }
    const person =
      'query One($id: ID!, $filter: Filter!) { person(id: $id, filter: $filter) { id } }'
    await send(running, { query: '{ people { name } } # canary-comment' })
    for (let sent = 0; sent < 3; sent++) {
      const variables = { id: 'canary-variable', filter }
      await send(running, { query: person, variables })
      await send(running, { query: `{ person(id: "canary-literal", filter: {kinds: []}) { id } }` })
      await send(running, { query: '{ people { missing } }' })
    }
    await stopped(running)
    const text = readFileSync(kept(), 'utf8')
    expect(text).not.toContain('canary')
    expect(JSON.parse(text)).toEqual([
      { document: expect.stringContaining('query One($id: ID!, $filter: Filter!)'), requests: 3 },
      { document: '{\n  people {\n    name\n  }\n}', requests: 1 },
    ])
    expect(statSync(kept()).mode & 0o777).toBe(0o600)
  })

  test('is what the next start warms up with, where it fits the schema', async () => {
    const document = '{ noLongerThere }'
    const before = JSON.parse(readFileSync(kept(), 'utf8'))
    writeFileSync(
      kept(),
      JSON.stringify([...before, { document, requests: 9 }, { document: '{', requests: 1 }]),
    )
    const running = await starts('')
    const warmUps = running.log().filter(({ msg }) => msg === 'warmed up')
    expect(warmUps).toEqual(
      Array.from({ length: workers }, () => expect.objectContaining({ kept: 2, refused: 0 })),
    )
    await stopped(running)
  })

  test('is made up, with one warning, when the file is damaged', async () => {
    writeFileSync(kept(), '[{"document":')
    const running = await starts('')
    expect(running.log().filter(({ level }) => level === 40)).toEqual([
      expect.objectContaining({ path: kept(), reason: 'not what this version writes' }),
    ])
    expect(running.log()).toContainEqual(expect.objectContaining({ msg: 'warmed up', kept: 0 }))
    await stopped(running)
  })
})

test('workers warm up at the same time, and so does the one that takes the place of another', async () => {
  const supergraph = join(folder, 'supergraph.graphql')
  writeFileSync(supergraph, compose(subgraphs()))
  const config = configText('workers: 2\nwarm_up: { time: 5s }')
  const environment = { LOG_LEVEL: 'debug' }
  const running = await startGatewayProcess({ folder, config, supergraph, environment })
  const warmUps = () =>
    running.log().filter(({ msg }) => msg === 'warming up' || msg === 'warmed up')
  const [first, second, ...others] = await until(() => warmUps().length === 4 && warmUps())
  expect([first!.msg, second!.msg]).toEqual(['warming up', 'warming up'])
  expect(others.map(({ msg, refused }) => ({ msg, refused }))).toEqual([
    { msg: 'warmed up', refused: 0 },
    { msg: 'warmed up', refused: 0 },
  ])

  process.kill(first!.pid as number, 'SIGKILL')
  await until(() => running.log().some(({ msg }) => msg === 'a worker has taken its place'))
  const pids = new Set(warmUps().map(({ pid }) => pid))
  expect({ pids: pids.size, lines: warmUps().length }).toEqual({ pids: 3, lines: 6 })
  running.child.kill('SIGTERM')
  expect(await running.ended).toBe(0)
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
