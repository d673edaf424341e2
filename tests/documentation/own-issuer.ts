/** README, "Bring your own identity provider": the configuration as it is there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse as parseGraphql } from 'graphql'
import { stringify } from 'yaml'
import { requireClaims, serveSubgraph, deriveClaimsKey } from '../../subgraphs/kit/index.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { json, testIssuer, testKey } from '../authentication/support/test-issuer.ts'
import type { TestIssuer } from '../authentication/support/test-issuer.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import { gatewayConfigs } from './pages.ts'

const [documented] = gatewayConfigs().filter(({ page }) => page === 'README.md')
const { authentication } = documented!.content as { authentication: { issuers: object[] } }
const key = await testKey('RS256')
const audience = 'https://api.example.com'
const sdl = 'type Query { mySubject: String }'
let subgraph: RunningProcess

beforeAll(async () => {
  subgraph = await serveSubgraph({
    name: 'users',
    typeDefs: parseGraphql(sdl),
    resolvers: {
      Query: { mySubject: (_parent, _arguments, context) => requireClaims(context).sub },
    },
    keys: [deriveClaimsKey(gatewaySecret, 'users')],
    host: '127.0.0.1',
    port: 0,
  })
})
afterAll(() => subgraph.close())

/** A provider that publishes metadata, as OpenID Connect Discovery describes it. */
async function provider(path: string): Promise<TestIssuer> {
  const issuer = await testIssuer({ keys: [key.jwk], path, audience })
  const place = `${path.replace(/\/$/, '')}/.well-known/openid-configuration`
  issuer.handlers[place] = (_request, response) =>
    json(response, { issuer: issuer.issuer, jwks_uri: issuer.jwksUri })
  return issuer
}

async function askWith(url: string, token: string): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: '{"query":"{ mySubject }"}',
  })
  return response.json()
}

test.each([
  ['JWT', '/'],
  ['at+jwt', '/realms/main'],
])(
  'tokens with the type %s are accepted, and those of other audiences are not',
  async (typ, path) => {
    const issuer = await provider(path)
    const [own] = authentication.issuers
    const config = { authentication: { issuers: [{ ...own, issuer: issuer.issuer }] } }
    const gateway = await runGateway([{ name: 'users', url: subgraph.url, sdl }], stringify(config))
    try {
      const token = await issuer.sign(key, { sub: 'google-oauth2|7' }, { typ })
      expect(await askWith(gateway.url, token)).toEqual({ data: { mySubject: 'google-oauth2|7' } })

      const foreign = await issuer.sign(key, { aud: 'https://other.example.com' }, { typ })
      expect(await askWith(gateway.url, foreign)).toMatchObject({
        errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'AUDIENCE_MISMATCH' } }],
      })
    } finally {
      await gateway.close()
      await issuer.close()
    }
  },
)
