/** A gateway whose supergraph comes from a server that fails, in all the ways in which servers fail. */
import { gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import { remoteGateways } from '../support/remote-gateway.ts'
import type { SupergraphServer } from '../support/supergraph-server.ts'
import { until } from '../support/until.ts'

const on = remoteGateways()

const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, 'a'))

const failures: readonly [string, SupergraphServer['behave'], string][] = [
  ['responds with 500', (_, response) => void response.writeHead(500).end('x'), 'HTTP status 500'],
  [
    'redirects',
    (_, response) => void response.writeHead(302, { location: 'http://elsewhere.test/' }).end(),
    'HTTP status 302 (redirects are not followed',
  ],
  ['is slow', (_, response) => void response.write('type'), 'no response within 500 ms'],
  [
    'sends too much',
    (_, response) => void response.end(Buffer.alloc(3 * 1024 * 1024, 'a')),
    'the body has more than 1048576 bytes',
  ],
  [
    'sends a bomb of gzip',
    (_, response) => response.setHeader('content-encoding', 'gzip').end(bomb),
    'the body has more than 1048576 bytes',
  ],
  [
    'ends in the middle',
    (_, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('type Query {')
      setTimeout(() => response.destroy(), 20)
    },
    'other side closed',
  ],
  [
    'ends in the middle of a compressed body',
    (_, response) => {
      const compressed = gzipSync(on.version('v1', 'v2'))
      response.setHeader('content-encoding', 'gzip').end(compressed.subarray(0, -20))
    },
    'unexpected end of file',
  ],
  ['resets the connection', (request) => void request.socket.destroy(), 'other side closed'],
  ['sends another encoding', (_, response) => void response.end(Buffer.from([0xff])), 'not UTF-8'],
  ['sends no GraphQL', (_, response) => void response.end('<html>'), 'is not GraphQL'],
  [
    'sends a plain schema',
    (_, response) => void response.end('type Query { a: Int }'),
    'no supergraph',
  ],
]

test.each(failures)(
  'while the source %s, the last good supergraph serves, with one line in the log',
  async (_name, behave, reason) => {
    const { serves, ready, linesWith } = await on.start({ timeout: '500ms', response_limit: '1MB' })
    const before = on.source.requests.length
    on.source.behave = behave
    await until(() => on.source.requests.length >= before + 2)
    await until(() => linesWith(reason).length > 0)
    expect(linesWith(reason)).toHaveLength(1)
    expect(await serves('v1')).toBe(true)
    expect((await ready()).status).toBe(200)
    on.source.behave = undefined
    on.publish(on.version('v1', 'v2'))
    await until(() => serves('v2'))
    expect(linesWith('"level":50')).toHaveLength(1)
  },
)
