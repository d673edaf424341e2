/** Subgraphs that give their schema themselves: `schema: { subgraph_url }`. */
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from '@jest/globals'
import { introspectSubgraph } from '../../scripts/compose/introspect-subgraph.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener)
  await new Promise<void>((ready) => server!.listen(0, '127.0.0.1', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

test('a subgraph is asked for its SDL, with the headers that it wants', async () => {
  const asked: unknown[] = []
  const url = await serve(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    asked.push(request.method, request.headers['x-key'], JSON.parse(body))
    response.end(JSON.stringify({ data: { _service: { sdl: 'type Query { a: Int }' } } }))
  })
  expect(await introspectSubgraph(url, { 'x-key': '7' })).toEqual({
    outcome: 'introspected',
    sdl: 'type Query { a: Int }',
  })
  expect(asked).toEqual(['POST', '7', { query: 'query { _service { sdl } }' }])
})

test.each([
  [
    401,
    '{}',
    'it responds with 401 to every client but its gateway: set GATEWAY_SECRET, and the request is signed, or give its schema as a `file`, or the headers that it requires in `introspection_headers`',
  ],
  [500, '<html>', 'it responds with 500'],
  [200, '<html>', 'its response has no `_service { sdl }`: is it a federation subgraph?'],
  [
    200,
    '{"data":{"_service":{"sdl":""}}}',
    'its response has no `_service { sdl }`: is it a federation subgraph?',
  ],
  [
    400,
    '{"errors":[{"message":"Cannot query field \\"_service\\""}]}',
    'it says: Cannot query field "_service"',
  ],
  [200, '{"errors":"no"}', 'its response has no `_service { sdl }`: is it a federation subgraph?'],
])('an answer %i %j is told in one sentence', async (status, body, sentence) => {
  const url = await serve((_request, response) => response.writeHead(status).end(body))
  expect(await introspectSubgraph(url, {})).toEqual({
    outcome: 'failed',
    sentence: `the schema cannot be fetched from ${url}: ${sentence}`,
  })
})

test('a subgraph that is not there, and one that hangs up', async () => {
  const url = await serve((request) => request.socket.destroy())
  expect(await introspectSubgraph(url, {})).toMatchObject({
    sentence: expect.stringContaining('it closed the connection'),
  })
  await new Promise((closed) => server!.close(closed))
  expect(await introspectSubgraph(url, {})).toMatchObject({
    sentence: expect.stringContaining('nothing listens there: start the subgraph first'),
  })
})
