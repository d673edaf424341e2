/** Manifests of known operations: files and URLs that change, break and are signed; their size; their clients. */
import { createHash } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { KnownOperations } from '../../gateway/operations/known-operations.ts'
import { readManifest } from '../../gateway/operations/read-manifest.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { signedManifest } from '../../gateway/supergraph/verify-signature.ts'
import { createSigningKey, readSigner } from '../../scripts/compose/sign-supergraph.ts'
import type { SupergraphSigner } from '../../scripts/compose/sign-supergraph.ts'
import { runScript } from '../scripts/support/run-script.ts'
import { startCollector } from '../support/collector.ts'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunGatewayOptions, RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { startSupergraphServer } from '../support/supergraph-server.ts'
import type { SupergraphServer } from '../support/supergraph-server.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
const sdl = 'type Query { a: Int b: Int c: Int }'
const queries = { a: 'query A { a }', b: 'query B { b }', c: 'query C { c }' }
let issuer: TestIssuer
let subgraph: RunningProcess
let server: SupergraphServer
const running: RunningGateway[] = []

beforeAll(async () => {
  issuer = await startIssuer()
  server = await startSupergraphServer()
  subgraph = await serveSubgraph({
    name: 'graph',
    typeDefs: parse(sdl),
    resolvers: { Query: { a: () => 1, b: () => 2, c: () => 3 } },
    keys: [deriveClaimsKey(gatewaySecret, 'graph')],
    host: '127.0.0.1',
    port: 0,
  })
})
afterEach(async () => {
  server.behave = undefined
  server.files.clear()
  await Promise.all(running.splice(0).map((gateway) => gateway.close()))
})
afterAll(async () => {
  await subgraph?.close()
  await server?.stop()
  await issuer?.close()
})

async function start(
  operations: object,
  more = {},
  options?: RunGatewayOptions,
): Promise<RunningGateway> {
  const issuers = [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }]
  const config = JSON.stringify({ authentication: { issuers }, operations, ...more })
  const subgraphs = [{ name: 'graph', url: subgraph.url, sdl }]
  const gateway = await runGateway(subgraphs, config, options)
  running.push(gateway)
  return gateway
}

const at = (name: string) => join(mkdtempSync(join(folder, 'place-')), name)

/** Replaces a file. */
function write(path: string, content: string | object): string {
  writeFileSync(`${path}~`, typeof content === 'string' ? content : JSON.stringify(content))
  renameSync(`${path}~`, path)
  return path
}

async function ask({ url }: RunningGateway, id: string): Promise<unknown> {
  const response = await fetch(`${url}/${id}`)
  return ((await response.json()) as { data?: unknown }).data
}

const serves = async (gateway: RunningGateway, id: string) => (await ask(gateway, id)) !== undefined

const linesWith = ({ log }: RunningGateway, text: string | RegExp) =>
  log.filter((line) => (typeof text === 'string' ? line.includes(text) : text.test(line)))

async function ready({ origin }: RunningGateway) {
  const response = await fetch(`${origin}/ready`)
  return { status: response.status, body: (await response.json()) as { reasons?: string[] } }
}

describe('a manifest in a file', () => {
  test('that changes is used', async () => {
    const path = write(at('web.json'), { a: queries.a })
    const gateway = await start({ manifests: [path] })
    expect(await ask(gateway, 'a')).toEqual({ a: 1 })
    expect(await serves(gateway, 'b')).toBe(false)
    write(path, { b: queries.b })
    await until(() => serves(gateway, 'b'))
    expect(await serves(gateway, 'a')).toBe(false)
    expect(linesWith(gateway, /"level":(40|50)/)).toEqual([])
  })

  test('that is half-written, or gone, leaves the operations as they were, with one line', async () => {
    const path = write(at('web.json'), { a: queries.a })
    const gateway = await start({ manifests: [path] })
    writeFileSync(path, '{ "b": "query B { b')
    await until(() => linesWith(gateway, 'the known operations stay as they were').length === 1)
    expect(linesWith(gateway, 'is not complete and valid JSON')).toHaveLength(1)
    expect(await ask(gateway, 'a')).toEqual({ a: 1 })
    writeFileSync(path, '{ "b": "query B { b }" ')
    rmSync(path)
    write(path, { a: queries.a, b: queries.b })
    await until(() => serves(gateway, 'b'))
    expect(linesWith(gateway, 'can be used again')).toHaveLength(1)
  })

  test('that another link leads to is used, as a volume of Kubernetes has it', async () => {
    const [one, other] = ['a', 'b'].map((name) => write(at('web.json'), { [name]: `{ ${name} }` }))
    const link = at('link.json')
    symlinkSync(one!, link)
    const gateway = await start({ manifests: [link] })
    expect(await serves(gateway, 'a')).toBe(true)
    symlinkSync(other!, `${link}~`)
    renameSync(`${link}~`, link)
    await until(() => serves(gateway, 'b'))
  })

  test('counts with all others or not at all', async () => {
    const web = write(at('web.json'), { a: queries.a })
    const mobile = write(at('mobile.json'), { b: queries.b })
    const gateway = await start({ manifests: [web, { from: mobile }] })
    expect(await serves(gateway, 'b')).toBe(true)
    // One id, two texts.
    write(web, { b: queries.c, c: queries.c })
    await until(() => linesWith(gateway, 'has another text for the id \\"b\\"').length === 1)
    expect([await serves(gateway, 'a'), await serves(gateway, 'c')]).toEqual([true, false])
    expect(await ask(gateway, 'b')).toEqual({ b: 2 })
    write(web, { b: queries.b, c: queries.c })
    await until(() => serves(gateway, 'c'))
  })

  test.each<[string, string, string]>([
    ['no JSON', 'operations', 'is not a JSON object'],
    ['a list', '[]', 'is not a JSON object'],
    ['half a file', '{"a":"query A { a }"', 'is not complete and valid JSON'],
    ['two files', '{"a":"query A { a }"}{}', 'is not complete and valid JSON'],
    ['a comma too many', '{"a":"query A { a }",}', 'is not complete and valid JSON'],
    ['empty', '{}', 'has no operations'],
    ['no text', '{"a": 7}', 'is in no known format: \\"a\\" is not the text'],
    ['a blank text', '{"a": " "}', 'has no text for the id'],
    ['no id', '{"": "{ a }"}', 'has an id without 1 to 512 characters'],
    [
      'another version',
      '{"format":"apollo-persisted-query-manifest","version":2,"operations":[{"id":"a","body":"{ a }"}]}',
      'is in no known format: expected format',
    ],
    [
      'no format',
      '{"version":1,"operations":[{"id":"a","body":"{ a }"}]}',
      'is in no known format',
    ],
    [
      'an entry without a body',
      '{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a"}]}',
      'has an operation without id or body, number 1',
    ],
    ['a wrong hash', `{"sha256:${'ab'.repeat(32)}":"{ a }"}`, 'has the id "sha256:abab'],
  ])('that is %s ends a start', async (_name, text, reason) => {
    const path = write(at('web.json'), text)
    await expect(start({ manifests: [path] })).rejects.toThrow(
      `the manifest ${path} ${reason.replaceAll('\\', '')}`,
    )
  })

  test('that is not there, or of which an id has two texts, ends a start', async () => {
    const gone = join(folder, 'gone.json')
    await expect(start({ manifests: [gone] })).rejects.toThrow(
      `the manifest ${gone} cannot be read (ENOENT)`,
    )
    const one = write(at('one.json'), { a: queries.a })
    const other = write(at('other.json'), { a: queries.b })
    await expect(start({ manifests: [one, other] })).rejects.toThrow(
      `the manifest ${other} has another text for the id "a" than before`,
    )
  })
})

describe('a manifest at a URL', () => {
  const url = () => new URL('/ops.json', server.url).href

  test('is fetched, followed by its ETag, and kept while it cannot be fetched', async () => {
    server.files.set('/ops.json', JSON.stringify({ a: queries.a }))
    const gateway = await start({ manifests: [{ from: url(), poll: '1s' }] })
    expect(await serves(gateway, 'a')).toBe(true)
    await until(() => server.requests.some(({ status }) => status === 304))
    server.behave = (_request, response) => void response.writeHead(500).end()
    await until(() => linesWith(gateway, 'no newer manifest is served').length === 1)
    expect(await serves(gateway, 'a')).toBe(true)
    server.behave = undefined
    server.files.set('/ops.json', JSON.stringify({ b: queries.b }))
    await until(() => serves(gateway, 'b'))
  })

  test('that cannot be fetched at the start keeps the gateway from being ready', async () => {
    const manifests = [{ from: url(), poll: '1s' }]
    const gateway = await start({ manifests, accept: 'known' }, {}, { untilReady: false })
    const reason = `the manifest ${url()} cannot be fetched: HTTP status 404`
    await until(async () => (await ready(gateway)).body.reasons?.length === 1)
    expect(await ready(gateway)).toMatchObject({ status: 503, body: { reasons: [reason] } })
    for (const search of ['/a', `?query=${encodeURIComponent('{ a }')}`]) {
      const response = await fetch(`${gateway.url}${search}`)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('5')
      expect(await response.json()).toMatchObject({
        errors: [{ extensions: { reason: 'OPERATIONS_UNAVAILABLE' } }],
      })
    }
    server.files.set('/ops.json', JSON.stringify({ a: queries.a }))
    await until(() => serves(gateway, 'a'))
    expect(await ready(gateway)).toMatchObject({ status: 200 })
  })

  test('that served last is used at a start while it cannot be fetched', async () => {
    server.files.set('/ops.json', JSON.stringify({ a: queries.a }))
    const manifests = [{ from: url(), poll: '1s' }]
    const gateway = await start({ manifests, accept: 'ids' })
    expect(await serves(gateway, 'a')).toBe(true)
    server.files.clear()
    // Another configured gateway, with the same folder of data.
    const reloads = () =>
      gateway.reload().then(
        () => true,
        () => false,
      )
    await until(reloads)
    expect(await serves(gateway, 'a')).toBe(true)
    expect(await ready(gateway)).toMatchObject({ status: 200 })
  })

  test('needs https, except on this machine', async () => {
    await expect(start({ manifests: ['http://192.0.2.1/ops.json'] })).rejects.toThrow(
      'operations.manifests cannot be used: expected https',
    )
  })
})

describe('a signed manifest', () => {
  let signer: SupergraphSigner
  let other: SupergraphSigner
  beforeAll(async () => {
    const made = async (path: string) => {
      await createSigningKey(path)
      return readSigner(path)
    }
    signer = await made(join(folder, 'key.json'))
    other = await made(join(folder, 'other-key.json'))
  })

  const text = JSON.stringify({ a: queries.a })
  const sign = async (by = signer, kind = signedManifest, signed = text) =>
    (await by.sign(signed, 0, kind)).signature

  test('is used, and what is older, altered or of another key is not', async () => {
    const path = at('web.json')
    const publish = (content: string, signature: string) => {
      write(`${path}.jws`, signature)
      write(path, content)
    }
    const first = await sign()
    publish(text, first)
    const gateway = await start({ manifests: [{ from: path, keys: [signer.publicKey] }] })
    expect(await serves(gateway, 'a')).toBe(true)
    const next = JSON.stringify({ b: queries.b })
    publish(next, await sign(signer, signedManifest, next))
    await until(() => serves(gateway, 'b'))
    publish(text, first)
    await until(() => linesWith(gateway, 'is older than the one that served last').length === 1)
    publish(text, await sign(other))
    await until(() => linesWith(gateway, 'which is not accepted').length === 1)
    publish(next, await sign())
    await until(() => linesWith(gateway, 'does not match its signature').length === 1)
    expect([await serves(gateway, 'a'), await serves(gateway, 'b')]).toEqual([false, true])
  })

  test('needs a signature of a manifest, not of a supergraph with the same key', async () => {
    const path = write(at('web.json'), text)
    const manifests = [{ from: path, keys: [signer.publicKey] }]
    await expect(start({ manifests })).rejects.toThrow('has no signature beside it (.jws)')
    write(`${path}.jws`, (await signer.sign(text)).signature)
    await expect(start({ manifests })).rejects.toThrow(
      'has a signature for something else than a manifest',
    )
  })

  test('is signed by a command', async () => {
    const path = write(at('web.json'), text)
    const signing = ['sign-operations', path, '--key', join(folder, 'key.json')]
    expect(await runScript('keys', signing)).toMatchObject({ exitCode: 0, stderr: '' })
    const gateway = await start({ manifests: [{ from: path, keys: [signer.publicKey] }] })
    expect(await serves(gateway, 'a')).toBe(true)
    write(path, '{ "a": ')
    expect(await runScript('keys', signing)).toMatchObject({ exitCode: 1 })
  })

  test('is fetched with its signature', async () => {
    server.files.set('/ops.json', text)
    server.files.set('/ops.json.jws', await sign())
    const from = new URL('/ops.json', server.url).href
    const gateway = await start({ manifests: [{ from, poll: '1s', keys: [signer.publicKey] }] })
    expect(await serves(gateway, 'a')).toBe(true)
    const next = JSON.stringify({ b: queries.b })
    server.files.set('/ops.json', next)
    await until(() => linesWith(gateway, 'does not match its signature').length === 1)
    expect(await serves(gateway, 'a')).toBe(true)
    server.files.set('/ops.json.jws', await sign(signer, signedManifest, next))
    await until(() => serves(gateway, 'b'))
  })
})

test('several workers know the same operations, and one process fetches them', async () => {
  server.requests.length = 0
  const path = write(at('web.json'), { a: queries.a })
  server.files.set('/ops.json', JSON.stringify({ b: queries.b }))
  const from = new URL('/ops.json', server.url).href
  const issuers = [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }]
  const remote = { from, poll: '1s' }
  const configOf = (operations: object) =>
    JSON.stringify({ workers: 2, authentication: { issuers }, operations })
  const ids = configOf({ accept: 'ids', manifests: [path, remote] })
  const gateway = await startGatewayProcess({
    folder,
    supergraph: write(
      at('supergraph.graphql'),
      compose([{ name: 'graph', url: subgraph.url, sdl }]),
    ),
    config: ids,
    environment: { GATEWAY_SECRET: gatewaySecret, DATA_DIR: join(folder, 'data') },
  })
  const fetched = () => server.requests.filter(({ status }) => status === 200).length
  async function reload(config: string): Promise<void> {
    const served = () =>
      gateway.log().filter(({ msg }) => msg === 'serving with the new configuration').length
    const before = served()
    gateway.configure(config)
    gateway.child.kill('SIGHUP')
    await until(() => served() > before)
  }
  /** Connections go to the workers in turn. */
  const all = async (id: string, search = '') => {
    const statuses = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const response = await fetch(`${gateway.origin}/graphql${id}${search}`, {
          headers: { connection: 'close' },
        })
        return JSON.stringify(await response.json()).startsWith('{"data"')
      }),
    )
    return statuses.every((isServed) => isServed)
  }
  try {
    expect([await all('/a'), await all('/b'), await all('/c')]).toEqual([true, true, false])
    expect(fetched()).toBe(1)
    write(path, { a: queries.a, c: queries.c })
    await until(() => all('/c'))
    server.files.set('/ops.json', JSON.stringify({ d: '{ b }' }))
    await until(() => all('/d'))
    expect(fetched()).toBe(2)
    await reload(configOf({ accept: 'ids', manifests: [path] }))
    expect([await all('/a'), await all('/d')]).toEqual([true, false])
    await reload(ids)
    expect(await all('/d')).toBe(true)

    // What a client registers at one of them, all of them know.
    await reload(configOf({ automatic: {} }))
    const text = '{ a b }'
    const sha256Hash = createHash('sha256').update(text).digest('hex')
    const extensions = JSON.stringify({ persistedQuery: { version: 1, sha256Hash } })
    const byHash = `?${new URLSearchParams({ extensions })}`
    expect(await all('', byHash)).toBe(false)
    const registered = await fetch(
      `${gateway.origin}/graphql?${new URLSearchParams({ query: text, extensions })}`,
    )
    expect(registered.status).toBe(200)
    await until(() => all('', byHash))
  } finally {
    gateway.child.kill('SIGTERM')
    await gateway.ended
  }
})

test('known operations are planned before a supergraph serves, and before they are used', async () => {
  const collector = await startCollector()
  try {
    const path = write(at('web.json'), { a: queries.a, invalid: '{ unknown }', half: 'query {' })
    const gateway = await start(
      { manifests: [path] },
      { telemetry: { traces: { endpoint: collector.url, ratio: 1 } } },
    )
    expect(await ask(gateway, 'a')).toEqual({ a: 1 })
    write(path, { b: queries.b })
    await until(() => serves(gateway, 'b'))
    gateway.replaceSupergraph([
      { name: 'graph', url: subgraph.url, sdl: `${sdl} type More { d: Int }` },
    ])
    await until(() => linesWith(gateway, 'serving the new supergraph').length === 1)
    expect(await ask(gateway, 'b')).toEqual({ b: 2 })
    // Nobody plans an operation that is in no manifest.
    await fetch(`${gateway.url}?${new URLSearchParams({ query: queries.c })}`)
    const caches = () =>
      collector.spans
        .filter(({ name }) => name === 'graphql.plan')
        .map(({ attributes }) => attributes['portcullis.cache'])
    await until(() => caches().includes('miss'))
    expect(new Set(caches().slice(0, -1))).toEqual(new Set(['hit']))
    expect(caches().at(-1)).toBe('miss')
  } finally {
    await collector.close()
  }
})

test('100,000 operations are loaded in about a second and 100 MB', async () => {
  const body = (index: number) =>
    `query Operation${index}($id: ID!, $first: Int) {\n  node(id: $id) {\n    id\n    ... on Product {\n      name\n      price\n      reviews(first: $first) {\n        edges {\n          node {\n            id\n            text\n            author {\n              name\n            }\n          }\n        }\n      }\n    }\n  }\n}`
  const operations = Array.from({ length: 100_000 }, (_, index) => {
    const text = body(index)
    const id = createHash('sha256').update(text).digest('hex')
    return { id, name: `Operation${index}`, type: 'query', body: text }
  })
  const format = 'apollo-persisted-query-manifest'
  const path = write(at('large.json'), { format, version: 1, operations })
  operations.length = 0
  collectGarbage()
  const before = process.memoryUsage()
  const began = process.cpuUsage()
  const known = new KnownOperations()
  const bytes = await readFile(path)
  for (const operation of runToCompletion(readManifest(bytes))) known.add(operation)
  const { user, system } = process.cpuUsage(began)
  const seconds = (user + system) / 1e6
  collectGarbage()
  const after = process.memoryUsage()
  const megabytes = (after.heapUsed - before.heapUsed) / 1e6
  console.log(
    `${bytes.length / 1e6} MB of manifest: ${seconds.toFixed(2)} s of CPU time, ${megabytes.toFixed(0)} MB kept`,
  )
  expect(known.size).toBe(100_000)
  expect(megabytes).toBeLessThan(100)
  // About a second.
  expect(seconds).toBeLessThan(10)
})

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
