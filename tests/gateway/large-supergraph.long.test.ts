/** A gateway that serves takes up a supergraph so large that a thread reads it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { send } from '../../scripts/walkthrough/send.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const sdl = 'type Query { weather: String }'
const types = Array.from({ length: 100 }, (_, index) => `type Thing${index} { name: String }`)
const largeSdl = sdl.replace('String', 'String thing: Thing0') + types.join('\n')

let issuer: TestIssuer
let subgraph: Server
let url: string
let gateway: RunningGateway

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ data: { weather: 'fine', thing: { name: 'one' } } }))
    })
  })
  await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
  url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  gateway = await runGateway(
    [{ name: 'foreign', url, sdl }],
    `authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
`,
  )
})
afterAll(async () => {
  await gateway.close()
  subgraph.close()
  await issuer.close()
})

test('a large one is read by a thread, and requests are served meanwhile', async () => {
  const ask = (query: string) => send(gateway.url, { query })
  gateway.replaceSupergraph([{ name: 'foreign', url, sdl: largeSdl }])
  await until(async () => {
    expect((await ask('{ weather }')).data).toEqual({ weather: 'fine' })
    return (await ask('{ thing { name } }')).data?.thing?.name === 'one'
  })
})
