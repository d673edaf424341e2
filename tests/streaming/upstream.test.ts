/** Streams of subgraphs, as a server of any kind may send them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { upstreamBySse } from '../../gateway/streaming/upstream-by-sse.ts'
import type { UpstreamClient } from '../../gateway/streaming/upstream.ts'

let server: Server
let client: UpstreamClient
let respond: (response: ServerResponse) => unknown
beforeAll(async () => {
  server = createServer((request, response) => request.resume().on('end', () => respond(response)))
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  const options = { timeout: 300, silence: 200, eventLimit: 1_000 }
  client = upstreamBySse(`http://127.0.0.1:${port}/graphql`, options)
})
afterAll(async () => {
  await client.close()
  server.close()
})

/** Returns what the listener gets of a response, until the end. */
function received(send: (response: ServerResponse) => unknown): Promise<unknown[]> {
  respond = send
  const all: unknown[] = []
  return new Promise((resolve) => {
    const end = (last: unknown) => resolve([...all, last])
    client.open(() => ({}), '{}', {
      opened() {},
      next: (bytes) => all.push(bytes.toString()),
      completed: () => end('completed'),
      lost: (reason, why) => end([reason, why]),
      responded: ({ status, bytes }) => end([status, bytes.toString()]),
    })
  })
}

const asStream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })

/** Sends a text byte by byte, each as a chunk of its own. */
async function inBytes(response: ServerResponse, text: string): Promise<void> {
  asStream(response)
  for (const byte of Buffer.from(text)) {
    response.write(Buffer.of(byte))
    await new Promise((resolve) => setImmediate(resolve))
  }
  response.end()
}

test.each([
  ['one event', 'event: next\ndata: {"a":"ü"}\n\n', ['{"a":"ü"}']],
  ['CRLF', 'event: next\r\ndata: 1\r\n\r\n', ['1']],
  ['no space after the colon', 'event:next\ndata:1\n\n', ['1']],
  ['data in several lines', 'event: next\ndata: {\ndata: }\n\n', ['{\n}']],
  ['comments, ids and other fields', ':\n\nid: 7\nevent: next\nretry: 1\ndata: 1\n\n', ['1']],
  ['other events', 'event: ping\ndata: 1\n\ndata: 2\n\nevent: next\ndata: 3\n\n', ['3']],
])('%s, in chunks of every size', async (_name, text, events) => {
  const complete = 'event: complete\ndata:\n\n'
  const whole = received((response) => asStream(response).end(text + complete))
  expect(await whole).toEqual([...events, 'completed'])
  expect(await received((response) => inBytes(response, text + complete))).toEqual([
    ...events,
    'completed',
  ])
})

test.each<[string, (response: ServerResponse) => unknown, unknown[]]>([
  [
    'an end without complete',
    (response) => asStream(response).end('event: next\ndata: 1\n\n'),
    ['1', ['SUBGRAPH_UNREACHABLE', 'the stream ended without `complete`']],
  ],
  [
    'an event that is too large',
    (response) => asStream(response).write(`event: next\ndata: ${'x'.repeat(2_000)}`),
    [['SUBGRAPH_RESPONSE_INVALID', 'an event larger than the limit']],
  ],
  [
    'silence',
    (response) => asStream(response).write(':\n\n'),
    [['SUBGRAPH_TIMEOUT', 'no event and no heartbeat within 200 ms']],
  ],
  [
    'a content coding',
    (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).write('x'),
    [['SUBGRAPH_RESPONSE_INVALID', 'a content coding that was not asked for']],
  ],
  [
    'a response that is no stream',
    (response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{}'),
    [[400, '{}']],
  ],
  [
    'a connection that breaks',
    (response) => response.destroy(),
    [['SUBGRAPH_UNREACHABLE', expect.stringMatching(/^UND_ERR_SOCKET|^ECONNRESET/)]],
  ],
])('%s ends the stream', async (_name, send, expected) => {
  expect(await received(send)).toEqual(expected)
})
