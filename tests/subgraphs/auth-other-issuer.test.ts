/** The word of another issuer that the gateway accepts, about accounts that are not its own. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import type { JWTPayload } from 'jose'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { testIssuer, testKey } from '../authentication/support/test-issuer.ts'
import type { TestIssuer } from '../authentication/support/test-issuer.ts'
import { administrator } from '../support/administrator.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes } from '../support/auth-client.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { shippedPart } from '../support/shipped-config.ts'

const schema = readFileSync(new URL('../../subgraphs/auth/schema.graphql', import.meta.url), 'utf8')
const folder = scratchFolder()
const key = await testKey()
let other: TestIssuer
let auth: RunningProcess
let gateway: RunningGateway
let root: Awaited<ReturnType<typeof administrator>>

beforeAll(async () => {
  other = await testIssuer({ keys: [key.jwk] })
  const url = `sqlite:${folder}/auth.db`
  const claimsKey = deriveClaimsKey(gatewaySecret, 'auth')
  auth = await startAuth(
    { ...authEnvironment(url), CLAIMS_KEY: Buffer.from(claimsKey).toString('base64url') },
    { hashParameters: cheapHashes },
  )
  root = await administrator(asker('auth', auth.url, claimsKey), url)
  const issuer = (name: string, jwksUri: string) =>
    `    - { issuer: '${name}', jwks_uri: '${jwksUri}', audiences: [portcullis], algorithms: [ES256] }\n`
  const ours = issuer('http://127.0.0.1:4001', new URL('/.well-known/jwks.json', auth.url).href)
  // What subgraphs get is what the development configuration gives them.
  gateway = await runGateway(
    [{ name: 'auth', url: auth.url, sdl: schema }],
    `authentication:\n  issuers:\n${ours}${issuer(other.issuer, other.jwksUri)}${shippedPart('claims')}`,
  )
})
afterAll(async () => {
  await gateway.close()
  await auth.close()
  await other.close()
})

async function ask(token: string, query: string, variables: Record<string, unknown> = {}) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  })
  return (await response.json()) as { data?: any; errors?: any[] }
}
const codes = ({ errors = [] }: { errors?: any[] }) =>
  errors.map(({ extensions: { code } }) => code)

const scope = 'admin:users admin:clients admin:audit'
const administration = [
  '{ adminUsers { nodes { username } } }',
  '{ adminAudit { nodes { event } } }',
  '{ adminClients { nodes { id } } }',
  'mutation { adminSetRoles(id: "1", roles: ["administrator"]) { roles } }',
  'mutation { adminDisableUser(id: "1") { disabled } }',
  'mutation { adminEnableUser(id: "1") { disabled } }',
  'mutation { adminForceLogout(id: "1") { disabled } }',
  'mutation { adminCreateClient(name: "theirs", scopes: ["admin:users"]) { secret } }',
  'mutation { adminDisableClient(id: "x") { id } }',
]
const sessionsOf = [
  '{ me { username } }',
  '{ sessions { id } }',
  '{ authenticatorApp { createdAt } }',
  'mutation { logoutEverywhere }',
]

test('an administrator of ours administers, and so does a client of ours', async () => {
  expect(codes(await ask(root.token, administration[0]!))).toEqual([])
  const make =
    'mutation { adminCreateClient(name: "ours", scopes: ["admin:users"]) { secret client { id } } }'
  const { client, secret } = (await ask(root.token, make)).data.adminCreateClient
  const response = await fetch(new URL('/oauth/token', auth.url), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: client.id,
      client_secret: secret,
    }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string }
  expect(codes(await ask(token, administration[0]!))).toEqual([])
  const borrowed = await other.sign(key, { scope, sub: client.id })
  expect(codes(await ask(borrowed, administration[0]!))).toEqual(['FORBIDDEN'])
})

test.each(administration)("another issuer's scopes do not open %s", async (query) => {
  const { sub, sid } = root.claims
  const claims: JWTPayload[] = [{}, { sub }, { sub, sid }, { sub, sid: 'theirs' }, { sub: '1' }]
  for (const each of claims) {
    const answer = await ask(await other.sign(key, { scope, ...each }), query)
    expect(['FORBIDDEN', 'UNAUTHENTICATED']).toContain(codes(answer)[0])
    expect(Object.values(answer.data ?? {})).toEqual([null])
  }
})

test.each(sessionsOf)("another issuer's subject and session do not open %s", async (query) => {
  const { sub, sid } = root.claims
  expect(codes(await ask(await other.sign(key, { sub, sid }), query))).toEqual(['UNAUTHENTICATED'])
  expect((await ask(await other.sign(key, { sub, sid }), 'mutation { logout }')).data.logout).toBe(
    false,
  )
  expect(codes(await ask(root.token, '{ me { username } }'))).toEqual([])
})
