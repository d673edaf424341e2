/**
 * Two subgraphs in one process: `prices` sends an event to all streams when the benchmark says so, and
 * `reviews` has a field of the entity of each event.
 */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const streams = new Set<ServerResponse>()

const server = createServer((request, response) => {
  request.resume()
  if (request.url === '/prices') return openStream(response)
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end('{"data":{"_entities":[{"__typename":"Product","stars":5}]}}')
  })
})
server.keepAliveTimeout = 60_000
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
process.on('message', ({ event }: { event: number }) => {
  const product = { __typename: 'Product', id: '1', name: 'Table', price: event }
  const data = JSON.stringify({ data: { priceChanged: product } })
  for (const stream of streams) stream.write(`event: next\ndata: ${data}\n\n`)
  process.send!({ streams: streams.size })
})
process.on('disconnect', () => process.exit(0))
process.send!({ listening: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(':\n\n')
  streams.add(response)
  response.on('close', () => streams.delete(response))
}
