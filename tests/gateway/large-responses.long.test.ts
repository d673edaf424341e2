/**
 * The memory of large responses is lent again (gateway/values/response-buffers.ts): each client still gets its
 * own response, whatever the others do with theirs.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const link =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])'
const storeSdl = `${link}
  type Query { letter(of: Int, length: Int): String items(of: Int, length: Int): [Item] }
  type Item @key(fields: "id") { id: ID! name: String }`
const stockSdl = `${link}
  type Item @key(fields: "id") { id: ID! stock: Int }`

interface Variables {
  readonly of: number
  readonly length: number
  readonly representations: readonly { readonly id: string }[]
}

interface Operation {
  readonly query: string
  readonly variables: { readonly of: number; readonly length: number }
}

let issuer: TestIssuer
let gateways: Readonly<Record<'default' | 'deduplicating', RunningGateway>>
const servers: Server[] = []

async function subgraph(dataFor: (variables: Variables) => object): Promise<string> {
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const body = JSON.stringify({ data: dataFor(JSON.parse(text).variables) })
    // Its length is known, or not: only then its memory is lent.
    const isChunked = body.length % 3 === 0
    const length = isChunked ? {} : { 'content-length': Buffer.byteLength(body) }
    response.writeHead(200, { 'content-type': 'application/json', ...length })
    response.end(body)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const letterOf = (of: number) => String.fromCharCode(97 + (of % 26))
const namesOf = (of: number, length: number) =>
  Array.from({ length }, (_, index) => ({
    id: `${of}-${index}`,
    name: letterOf(of).repeat(index % 50),
  }))
const stockOf = (id: string) => Number(id.split('-')[0]) * 1_000_000 + Number(id.split('-')[1])

beforeAll(async () => {
  issuer = await startIssuer()
  const store = await subgraph(({ of, length }) => ({
    letter: letterOf(of).repeat(length),
    items: namesOf(of, Math.min(length, 20_000)).map((item) => ({ __typename: 'Item', ...item })),
  }))
  const stock = await subgraph(({ representations }) => ({
    _entities: representations.map(({ id }) => ({
      __typename: 'Item',
      stock: stockOf(id),
    })),
  }))
  const run = (more: string) =>
    runGateway(
      [
        { name: 'store', url: store, sdl: storeSdl },
        { name: 'stock', url: stock, sdl: stockSdl },
      ],
      `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis] }
${more}
`,
    )
  gateways = {
    default: await run(''),
    deduplicating: await run('subgraphs: { all: { deduplicate_requests: true } }'),
  }
})
afterAll(async () => {
  for (const gateway of Object.values(gateways ?? {})) await gateway.close()
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  await issuer?.close()
})

const operations = {
  text: 'query ($of: Int, $length: Int) { letter(of: $of, length: $length) }',
  items: 'query ($of: Int, $length: Int) { items(of: $of, length: $length) { id name stock } }',
}

function expectedOf({ query, variables: { of, length } }: Operation): string {
  const data = query.includes('letter')
    ? { letter: letterOf(of).repeat(length) }
    : { items: namesOf(of, length).map((item) => ({ ...item, stock: stockOf(item.id) })) }
  return `${JSON.stringify({ data })}\n`
}

async function send(
  to: keyof typeof gateways,
  operation: Operation,
  acceptEncoding = 'identity',
): Promise<IncomingMessage> {
  const sent = httpRequest(gateways[to].url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'accept-encoding': acceptEncoding },
  })
  sent.end(JSON.stringify(operation))
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const bytes = Buffer.concat(chunks)
  return String(response.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes)
}

test.each(['default', 'deduplicating'] as const)(
  '%s: each client gets its own response, late readers and while others leave',
  async (to) => {
    const late: { readonly operation: Operation; readonly response: IncomingMessage }[] = []
    const wrong: string[] = []
    const check = (operation: Operation, text: string) => {
      if (text !== expectedOf(operation))
        wrong.push(`${JSON.stringify(operation.variables)}: ${text.slice(0, 200)}`)
    }
    let number = 0
    const callAgainAndAgain = async () => {
      while (number < 150) {
        const of = number++
        const length = 1 + ((of * 7_919) % (of % 2 ? 700_000 : 5_000))
        const query = of % 2 ? operations.text : operations.items
        const operation = { query, variables: { of, length } }
        if (of % 3 === 2) {
          // Both are under way at the same time, and the first to get the data may be done with it first.
          const both = await Promise.all([send(to, operation), send(to, operation)])
          for (const text of await Promise.all(both.map(textOf))) check(operation, text)
          continue
        }
        const response = await send(to, operation, of % 11 === 0 ? 'gzip' : 'identity')
        if (of % 7 === 0 && late.length < 40) late.push({ operation, response })
        else if (of % 7 === 1) {
          await once(response, 'readable')
          response.destroy()
        } else check(operation, await textOf(response))
      }
    }
    await Promise.all(Array.from({ length: 12 }, callAgainAndAgain))
    for (const { operation, response } of late) check(operation, await textOf(response))

    expect(late.length).toBeGreaterThan(10)
    expect(wrong).toEqual([])
  },
)
