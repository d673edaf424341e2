/** The subgraphs of a federation as HTTP servers, and a gateway before them. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import type { Federation } from './federations.ts'
import { newState, universe } from './universe.ts'

export interface ServedFederation {
  readonly gateway: RunningGateway
  close(): Promise<void>
}

export async function serveFederation({ subgraphs }: Federation): Promise<ServedFederation> {
  const { ask } = universe(subgraphs)
  const servers: Server[] = []
  const sources = await Promise.all(
    subgraphs.map(async ({ name, sdl }) => {
      const server = createServer(async (request, response) => {
        let text = ''
        for await (const chunk of request) text += String(chunk)
        const answer = await ask(name, JSON.parse(text), newState())
        response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
      })
      servers.push(server.unref())
      await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
      const { port } = server.address() as AddressInfo
      return { name, sdl, url: `http://127.0.0.1:${port}/` }
    }),
  )
  const { issuer, jwksUri, close } = await startIssuer()
  const gateway = await runGateway(
    sources,
    `authentication:
  issuers:
    - { issuer: '${issuer}', jwks_uri: '${jwksUri}', audiences: [x], algorithms: [ES256] }
`,
  )
  return {
    gateway,
    async close() {
      await gateway.close()
      await close()
      for (const server of servers) server.closeAllConnections()
      await Promise.all(servers.map((server) => new Promise((ended) => server.close(ended))))
    },
  }
}

/** Returns status and body of a request to the gateway. */
export async function answerTo(url: string, request: object): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  })
  return `${response.status} ${await response.text()}`
}
