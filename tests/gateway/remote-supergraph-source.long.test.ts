/** `--supergraph https://...`: a supergraph that is fetched from a server. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { pino } from 'pino'
import { keptSupergraph } from '../../gateway/supergraph/kept-supergraph.ts'
import { digestOf } from '../../gateway/supergraph/verify-signature.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { remoteGateways } from '../support/remote-gateway.ts'
import { until } from '../support/until.ts'

const on = remoteGateways()

test('a supergraph is fetched, and a new one takes its place', async () => {
  const { serves, linesWith } = await on.start()
  expect([await serves('v1'), await serves('v2')]).toEqual([true, false])
  on.publish(on.version('v1', 'v2'))
  await until(() => serves('v2'))
  expect(linesWith('serving the new supergraph')).toHaveLength(1)
})

test('an unchanged supergraph is requested by its ETag and not sent again', async () => {
  const { linesWith } = await on.start()
  await until(() => on.source.requests.filter(({ status }) => status === 304).length >= 2)
  const [first, ...others] = on.source.requests
  expect(first).toMatchObject({ status: 200 })
  expect(first!.headers).not.toHaveProperty('if-none-match')
  expect(others.every(({ status, headers }) => status === 304 && headers['if-none-match'])).toBe(
    true,
  )
  expect(linesWith('serving the new supergraph')).toEqual([])
})

test('the headers of the configuration are sent; neither they nor the query of the URL are logged', async () => {
  on.source.behave = (_request, response) => void response.writeHead(403).end()
  const { linesWith, ready, configure, serves } = await on.start({
    headers: { 'X-Hive-CDN-Key': 'wrong-secret' },
  })
  expect(JSON.stringify((await ready()).body)).toContain('HTTP status 403')
  on.source.behave = undefined
  await configure({ headers: { 'X-Hive-CDN-Key': 'right-secret' } })
  expect(await serves('v1')).toBe(true)
  expect(on.source.requests[0]!.headers['x-hive-cdn-key']).toBe('wrong-secret')
  expect(on.source.requests.at(-1)!.headers['x-hive-cdn-key']).toBe('right-secret')
  expect(linesWith('HTTP status 403')).toHaveLength(1)
  expect(linesWith(/wrong-secret|right-secret|a-secret-of-the-url/)).toEqual([])
})

test('compressed responses are accepted', async () => {
  const codings = { gzip: gzipSync, br: brotliCompressSync }
  const { serves } = await on.start()
  for (const [index, [coding, compress]] of Object.entries(codings).entries()) {
    const text = on.version('v1', `v${index + 2}`)
    on.source.behave = (_request, response) =>
      response.setHeader('content-encoding', coding).end(compress(text))
    await until(() => serves(`v${index + 2}`))
  }
})

test('a gateway starts without a supergraph, says why it is not ready, and serves once there is one', async () => {
  on.source.behave = (_request, response) => void response.writeHead(500).end()
  const { url, ready, serves, linesWith } = await on.start()
  const name = on.source.url.split('?')[0]
  expect(await ready()).toEqual({
    status: 503,
    body: {
      status: 'not ready',
      reasons: [`the supergraph ${name} cannot be fetched: HTTP status 500`],
    },
  })
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ v1 }"}',
  })
  expect(response.status).toBe(503)
  expect(response.headers.get('retry-after')).toBe('5')
  expect(await response.json()).toMatchObject({
    errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', reason: 'SUPERGRAPH_UNAVAILABLE' } }],
  })
  on.source.behave = undefined
  await until(() => serves('v1'))
  expect((await ready()).status).toBe(200)
  const reports = linesWith(/"level":(40|50)/)
  expect(reports).toHaveLength(1)
})

test('after a start while the source is down, the supergraph that served last serves', async () => {
  const { dataDirectory, ...earlier } = await on.start()
  on.publish(on.version('v1', 'v2'))
  await until(() => earlier.serves('v2'))
  await earlier.close()
  await on.source.stop()
  const { serves, ready, linesWith } = await on.start({}, dataDirectory)
  expect(await serves('v2')).toBe(true)
  expect((await ready()).status).toBe(200)
  expect(linesWith('ECONNREFUSED').length).toBeGreaterThan(0)
  await on.source.start()
  on.publish(on.version('v1', 'v3'))
  await until(() => serves('v3'))
})

test('after a start while the source has a broken one, the supergraph that served last serves', async () => {
  const { dataDirectory, ...earlier } = await on.start()
  on.publish('type Query {')
  await until(() => earlier.linesWith('is not GraphQL').length > 0)
  await earlier.close()
  const { serves, ready } = await on.start({}, dataDirectory)
  expect(await serves('v1')).toBe(true)
  expect((await ready()).status).toBe(200)
  const kept = readdirSync(dataDirectory).filter((name) => name.startsWith('last-supergraph-'))
  expect(kept).toHaveLength(1)
  expect(readFileSync(join(dataDirectory, kept[0]!), 'utf8')).not.toContain('a-secret-of-the-url')
})

test('a request ends in the supergraph in which it began', async () => {
  const { url, serves } = await on.start()
  const slow = send(url, { query: '{ slow }' }).then(({ data }) => ({ data }))
  await until(() => on.held.length > 0)
  on.publish(on.version('v1', 'v2'))
  await until(() => serves('v2'))
  on.held.splice(0).forEach(on.respond)
  expect(await slow).toEqual({ data: { slow: 'done' } })
})

test('a reload requests the supergraph at once, and other settings serve with it', async () => {
  const { configure, serves } = await on.start({ poll: '1h' })
  on.publish(on.version('v1', 'v2'))
  await configure({ poll: '1h', headers: { 'x-key': 'k' } })
  expect(await serves('v2')).toBe(true)
  expect(on.source.requests.at(-1)!.headers['x-key']).toBe('k')
})

test('a folder that cannot be written is reported, and the supergraph serves', async () => {
  const data = mkdtempSync(join(on.folder, 'data-'))
  writeFileSync(join(data, 'file'), '')
  const log: string[] = []
  const record = await keptSupergraph({
    directory: join(data, 'file'),
    location: on.source.url,
    log: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
  })
  record.keepCopiesOf(() => ({ text: 'a text' }))
  record.served({ digest: digestOf('a text') })
  await record.written()
  expect(await record.lastGood()).toEqual({ text: 'a text' })
  expect(log.filter((line) => line.includes('cannot be kept'))).toHaveLength(1)
})

test.each([
  ['http://supergraphs.example.com/a.graphql', 'expected https'],
  ['https://user:password@example.com/a.graphql', 'must not hold credentials'],
])('%s is refused at the start', async (url, reason) => {
  await expect(on.start({}, undefined, url)).rejects.toThrow(reason)
})
