/** The auth subgraph goes away after the gateway has become ready, and before the first token arrives. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import { serveSubgraph } from '../../subgraphs/kit/index.ts'
import type { SubgraphContext } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes, loggedIn } from '../support/auth-client.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const sdl = 'type Query { me: String }'
const folder = scratchFolder()
let mirror: RunningProcess

beforeAll(async () => {
  mirror = await serveSubgraph({
    name: 'mirror',
    typeDefs: parse(sdl),
    resolvers: {
      Query: { me: (_: unknown, __: unknown, { claims }: SubgraphContext) => claims?.sub ?? null },
    },
    keys: [deriveClaimsKey(gatewaySecret, 'mirror')],
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
  })
})
afterAll(() => mirror.close())

test.each<[string, (origin: string) => string]>([
  ['as the lists are configured', (at) => `status_list_aggregation: '${at}/status-lists'`],
  ['as before that setting', () => ''],
])('a gateway that is ready accepts tokens without it, %s', async (_name, setting) => {
  const claimsKey = deriveClaimsKey(gatewaySecret, 'auth')
  const auth = await startAuth(
    {
      ...authEnvironment(`sqlite:${folder}/auth.db`),
      CLAIMS_KEY: Buffer.from(claimsKey).toString('base64url'),
    },
    { hashParameters: cheapHashes },
  )
  const { token, claims } = await loggedIn(asker('auth', auth.url, claimsKey))
  const at = new URL(auth.url).origin
  const gateway = await runGateway(
    [{ name: 'mirror', url: mirror.url, sdl }],
    `
authentication:
  issuers:
    - issuer: '${String(claims.iss)}'
      jwks_uri: '${at}/.well-known/jwks.json'
      audiences: [portcullis]
      revocation:
        status_lists: ['${at}/status-lists/']
        not_before: '${at}/revocations'
        ${setting(at)}
`,
  )
  await auth.close()

  const servesItsCaller = async () => {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: '{"query":"{ me }"}',
    })
    expect(await response.json()).toEqual({ data: { me: claims.sub } })
    expect((await fetch(`${gateway.origin}/ready`)).status).toBe(200)
  }
  await servesItsCaller()
  // An operator may have to change a limit just because auth is away.
  await gateway.reload()
  await servesItsCaller()
  await gateway.close()
})
