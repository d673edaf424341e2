/** All subgraphs in one process: a repeated request gets the response that is kept from the first time. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { execute, parse } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { benchSubgraphs } from './subgraphs.ts'

let calls = 0
const origins: Record<string, string> = {}
for (const { name, schema } of benchSubgraphs()) origins[name] = await serve(schema)
process.on('message', () => process.send!({ calls }))
process.on('disconnect', () => process.exit(0))
process.send!({ listening: origins })

async function serve(schema: GraphQLSchema): Promise<string> {
  const known = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      calls++
      const body = Buffer.concat(chunks).toString()
      const kept = known.get(body) ?? (await responseTo(body, schema))
      known.set(body, kept)
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': kept.length,
      })
      response.end(kept)
    })
  })
  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

async function responseTo(body: string, schema: GraphQLSchema): Promise<Buffer> {
  const { query, variables } = JSON.parse(body) as {
    query: string
    variables?: Record<string, unknown>
  }
  const result = await execute({ schema, document: parse(query), variableValues: variables })
  return Buffer.from(JSON.stringify(result))
}
