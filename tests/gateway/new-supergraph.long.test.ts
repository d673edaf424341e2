/** A supergraph file that changes while the gateway serves, in all the ways in which files change. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { pino } from 'pino'
import { followSupergraph } from '../../gateway/supergraph/follow-supergraph.ts'
import { keptSupergraph } from '../../gateway/supergraph/kept-supergraph.ts'
import { supergraphFile } from '../../gateway/supergraph/supergraph-file.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
let issuer: TestIssuer
let subgraph: Server
let gateway: RunningGateway | undefined
/** Requests for `slow`, whose responses the test releases. */
const held: ServerResponse[] = []

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += chunk))
    request.on('end', () => {
      if (body.includes('slow')) held.push(response)
      else respond(response)
    })
  })
  await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
})

afterEach(async () => {
  held.splice(0).forEach(respond)
  await gateway?.close()
  gateway = undefined
})

afterAll(async () => {
  subgraph.close()
  await issuer.close()
})

function respond(response: ServerResponse): void {
  const data = { slow: 'done', v1: '1', v2: '2', v3: '3', v4: '4', v5: '5', v6: '6', v7: '7' }
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ data }))
}

/** The supergraph with the fields v1 to that one. */
function version(last: number): string {
  const fields = Array.from({ length: last }, (_, index) => `v${index + 1}: String`)
  const { port } = subgraph.address() as AddressInfo
  const sdl = `type Query { slow: String ${fields.join(' ')} }`
  return compose([{ name: 'only', url: `http://127.0.0.1:${port}/graphql`, sdl }])
}

async function startAt(path: string): Promise<RunningGateway> {
  const config = { issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }
  const text = JSON.stringify({ authentication: { issuers: [config] }, http: { deadline: '60s' } })
  gateway = await runGateway([], text, { supergraph: path })
  return gateway
}

const serves = async (last: number) =>
  (await send(gateway!.url, { query: `{ v${last} }` })).status === 200

/** A request to which the subgraph does not respond yet. */
async function slowRequest() {
  const before = held.length
  const response = send(gateway!.url, { query: '{ slow }' })
  await until(() => held.length > before)
  return response.then(({ data }) => data)
}

function replace(path: string, text: string): void {
  writeFileSync(`${path}~`, text)
  renameSync(`${path}~`, path)
}

test('a new supergraph waits for no request of those before, and their requests end as they began', async () => {
  const path = join(folder, 'slow.graphql')
  writeFileSync(path, version(1))
  await startAt(path)
  const responses: Promise<unknown>[] = []
  for (const next of [2, 3, 4]) {
    responses.push(Promise.resolve({ response: slowRequest() }))
    await until(() => held.length === next - 1)
    replace(path, version(next))
    await until(() => serves(next))
  }
  expect(held).toHaveLength(3)
  held.splice(0).forEach(respond)
  for (const wrapped of await Promise.all(responses)) {
    expect(await (wrapped as { response: unknown }).response).toEqual({ slow: 'done' })
  }
})

test('at most four earlier supergraphs have requests in progress; the newest follows when one has none left', async () => {
  const path = join(folder, 'many.graphql')
  writeFileSync(path, version(1))
  const { log } = await startAt(path)
  for (const next of [2, 3, 4, 5]) {
    void slowRequest()
    await until(() => held.length === next - 1)
    replace(path, version(next))
    await until(() => serves(next))
  }
  replace(path, version(6))
  await until(() => log.some((line) => line.includes('4 earlier supergraphs have requests')))
  replace(path, version(7))
  expect(await serves(6)).toBe(false)
  respond(held.shift()!)
  await until(() => serves(7))
  expect(log.filter((line) => line.includes('serving the new supergraph'))).toHaveLength(5)
})

test('a file that changes all the time is read all the same', async () => {
  const path = join(folder, 'restless.graphql')
  writeFileSync(path, version(1))
  await startAt(path)
  let writes = 0
  const writing = setInterval(() => replace(path, `${version(2)}# ${writes++}`), 60)
  try {
    await until(() => serves(2))
  } finally {
    clearInterval(writing)
  }
})

test('a configuration that waits for requests of four earlier ones says so', async () => {
  const path = join(folder, 'reloaded.graphql')
  writeFileSync(path, version(1))
  const { log, reload } = await startAt(path)
  const waiting = () =>
    log.filter((line) => line.includes('4 earlier configurations have requests'))
  for (let reloads = 0; reloads < 4; reloads++) {
    void slowRequest()
    await until(() => held.length === reloads + 1)
    await reload()
  }
  expect(waiting()).toEqual([])
  const reloaded = reload()
  await until(() => waiting().length === 1)
  respond(held.shift()!)
  await reloaded
  expect(await serves(1)).toBe(true)
})

const ways: readonly [string, (path: string) => string, (path: string) => Promise<void> | void][] =
  [
    [
      'written in place, in two halves',
      (path) => path,
      async (path) => {
        const text = version(2)
        writeFileSync(path, text.slice(0, 200))
        await new Promise((resolve) => setTimeout(resolve, 120))
        writeFileSync(path, text)
      },
    ],
    ['replaced by a rename, as editors do', (path) => path, (path) => replace(path, version(2))],
    [
      'removed and made again',
      (path) => path,
      async (path) => {
        rmSync(path)
        await new Promise((resolve) => setTimeout(resolve, 300))
        writeFileSync(path, version(2))
      },
    ],
    [
      'in a folder that is removed and made again',
      (path) => path,
      async (path) => {
        rmSync(dirname(path), { recursive: true })
        await new Promise((resolve) => setTimeout(resolve, 300))
        mkdirSync(dirname(path))
        writeFileSync(path, version(2))
      },
    ],
    [
      'in a folder in whose place another one is put',
      (path) => path,
      (path) => {
        const other = `${dirname(path)}-other`
        mkdirSync(other)
        writeFileSync(join(other, 'supergraph.graphql'), version(2))
        renameSync(dirname(path), `${dirname(path)}-old`)
        renameSync(other, dirname(path))
      },
    ],
    [
      'behind links that are swapped, as Kubernetes does with a ConfigMap',
      (path) => {
        const [volume, data] = [dirname(path), join(dirname(path), '..1')]
        mkdirSync(data)
        renameSync(path, join(data, 'supergraph.graphql'))
        symlinkSync('..1', join(volume, '..data'))
        symlinkSync(join('..data', 'supergraph.graphql'), path)
        return path
      },
      (path) => {
        const volume = dirname(path)
        mkdirSync(join(volume, '..2'))
        writeFileSync(join(volume, '..2/supergraph.graphql'), version(2))
        symlinkSync('..2', join(volume, '..data_tmp'))
        renameSync(join(volume, '..data_tmp'), join(volume, '..data'))
        rmSync(join(volume, '..1'), { recursive: true })
      },
    ],
  ]

test.each(ways)('a supergraph file is followed when it is %s', async (_name, prepare, change) => {
  const path = join(
    folder,
    `way-${ways.findIndex(([name]) => name === _name)}`,
    'supergraph.graphql',
  )
  mkdirSync(dirname(path))
  writeFileSync(path, version(1))
  await startAt(prepare(path))
  expect([await serves(1), await serves(2)]).toEqual([true, false])
  await change(path)
  await until(() => serves(2), { atMost: 5_000 })
  // And followed on.
  writeFileSync(path, version(3))
  await until(() => serves(3), { atMost: 5_000 })
})

test('a change while the first supergraph is being loaded is not missed', async () => {
  const path = join(folder, 'early.graphql')
  writeFileSync(path, version(1))
  const log = pino({ level: 'silent' })
  const record = await keptSupergraph({ directory: folder, location: path, log })
  const followed = await followSupergraph({
    source: supergraphFile(path, record),
    create: async ({ sdl }) => {
      writeFileSync(path, version(2))
      return sdl
    },
    retire: async () => {},
    log,
  })
  await until(() => followed.current() === version(2))
  await followed.close()
})
