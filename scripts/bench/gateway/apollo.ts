/** A contender: Express, Apollo Server, @apollo/gateway and jose, combined as their documentation does. */
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { ApolloGateway, RemoteGraphQLDataSource } from '@apollo/gateway'
import { ApolloServer, HeaderMap } from '@apollo/server'
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { readSetting } from './setting.ts'

process.env['APOLLO_TELEMETRY_DISABLED'] = 'true'
process.env['NODE_ENV'] = 'production'
const { supergraph, issuer, jwksUri, audience } = readSetting()
const keys = createRemoteJWKSet(new URL(jwksUri))

interface Context {
  subject?: string
}

class Source extends RemoteGraphQLDataSource<Context> {
  override willSendRequest({
    request,
    context,
  }: Parameters<NonNullable<RemoteGraphQLDataSource<Context>['willSendRequest']>>[0]) {
    request.http?.headers.set('x-user-id', context.subject ?? '')
  }
}

const server = new ApolloServer<Context>({
  gateway: new ApolloGateway({
    supergraphSdl: readFileSync(supergraph, 'utf8'),
    buildService: ({ url }) => new Source(url === undefined ? {} : { url }),
  }),
})
await server.start()
const app = express()
app.post('/graphql', express.json(), async (request, response) => {
  try {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const { payload } = await jwtVerify(token, keys, { issuer, audience, algorithms: ['ES256'] })
    const headers = new HeaderMap()
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value))
    const result = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method: 'POST', headers, search: '', body: request.body as unknown },
      context: async () => ({ ...(payload.sub === undefined ? {} : { subject: payload.sub }) }),
    })
    for (const [name, value] of result.headers) response.setHeader(name, value)
    response.status(result.status ?? 200)
    response.send(result.body.kind === 'complete' ? result.body.string : '')
  } catch {
    response.status(401).end()
  }
})
const listening = app.listen(0, '127.0.0.1', () => {
  const { port } = listening.address() as AddressInfo
  process.send!({ listening: `http://127.0.0.1:${port}/graphql` })
})
