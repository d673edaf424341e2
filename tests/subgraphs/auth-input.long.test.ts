/** What auth says about a value that is not acceptable, as a client of the gateway reads it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { administrator } from '../support/administrator.ts'
import { asker } from '../support/ask-subgraph.ts'
import { authEnvironment, cheapHashes } from '../support/auth-client.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { shippedPart } from '../support/shipped-config.ts'
import { softAuthenticator } from '../support/soft-authenticator.ts'

const schema = readFileSync(new URL('../../subgraphs/auth/schema.graphql', import.meta.url), 'utf8')
const claimsKey = deriveClaimsKey(gatewaySecret, 'auth')
const folder = scratchFolder()
const many = Array.from({ length: 60 }, (_, index) => `reports:${index}:${'x'.repeat(50)}`)

interface Service {
  auth: RunningProcess
  gateway: RunningGateway
  token: string
}
let plain: Service
let withCookies: Service

beforeAll(async () => {
  plain = await start('plain', {})
  withCookies = await start('cookies', {
    SESSION_COOKIES: 'on',
    AUTH_ROLES: JSON.stringify({ reader: many }),
  })
})
afterAll(async () => {
  for (const { gateway, auth } of [plain, withCookies]) {
    await gateway.close()
    await auth.close()
  }
})

async function start(name: string, environment: Record<string, string>): Promise<Service> {
  const url = `sqlite:${folder}/${name}.db`
  const auth = await startAuth(
    {
      ...authEnvironment(url),
      CLAIMS_KEY: Buffer.from(claimsKey).toString('base64url'),
      ...environment,
    },
    { hashParameters: cheapHashes },
  )
  const { token } = await administrator(asker('auth', auth.url, claimsKey), url)
  const gateway = await runGateway(
    [{ name: 'auth', url: auth.url, sdl: schema }],
    `authentication:
  issuers:
    - issuer: http://127.0.0.1:4001
      jwks_uri: ${new URL('/.well-known/jwks.json', auth.url).href}
      audiences: [portcullis]
      algorithms: [ES256]
${shippedPart('claims')}${shippedPart('subgraphs')}`,
  )
  return { auth, gateway, token }
}

async function ask(
  { gateway, token }: Service,
  query: string,
  variables: Record<string, unknown> = {},
  isAnonymous = false,
) {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(isAnonymous ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  })
  const cookies = response.headers.getSetCookie()
  return { cookies, ...((await response.json()) as { data?: any; errors?: any[] }) }
}

const login = (more = '') =>
  `mutation { login(username: "alice", password: "secret"${more}) { token user { id } } }`
const key = (more: string) => `mutation { createApiKey(name: "k", ${more}) { key } }`
const client = (args: string) => `mutation { adminCreateClient(${args}) { secret } }`
const roles = (id: string, role: string) =>
  `mutation { adminSetRoles(id: "${id}", roles: ["${role}"]) { roles } }`

describe('a value that is not acceptable is named, with its limit or its setting:', () => {
  test.each<[string, string, object]>([
    [
      'mutation { refresh { token } }',
      'Give refreshToken: cookies are off (SESSION_COOKIES)',
      { field: 'refreshToken', setting: 'SESSION_COOKIES' },
    ],
    [
      login(', inCookies: true'),
      'Cookies are off: set SESSION_COOKIES=on, or log in without inCookies',
      { field: 'inCookies', setting: 'SESSION_COOKIES' },
    ],
    [
      'mutation { finishPasskeyLogin(response: "{}", inCookies: true) { token } }',
      'Cookies are off: set SESSION_COOKIES=on, or log in without inCookies',
      { field: 'inCookies', setting: 'SESSION_COOKIES' },
    ],
    [
      'mutation { finishPasskeyLogin(response: "no json") { token } }',
      'response must be the JSON of the device',
      { field: 'response' },
    ],
    [
      'mutation { finishPasskeyRegistration(response: "{}", name: "x") { id } }',
      'The response of the device is not valid or has expired: start again',
      { field: 'response' },
    ],
    [
      `mutation { finishPasskeyRegistration(response: "{}", name: "${'x'.repeat(101)}") { id } }`,
      'name must have at most 100 characters',
      { field: 'name', limit: 100 },
    ],
    [
      '{ adminUsers(first: 1000) { endCursor } }',
      'first must be between 1 and 200',
      { field: 'first', limit: 200 },
    ],
    [
      '{ adminAudit(first: 0) { endCursor } }',
      'first must be between 1 and 200',
      { field: 'first', limit: 200 },
    ],
    [
      '{ adminUsers(after: "x") { endCursor } }',
      'after must be the endCursor of a page',
      { field: 'after' },
    ],
    [
      key('scopes: ["profile"], expiresInDays: 366'),
      'expiresInDays must be between 1 and 365',
      { field: 'expiresInDays', limit: 365 },
    ],
    [
      key('scopes: ["profile", "kings:only"]'),
      'The scope "kings:only" is not one of your own',
      { field: 'scopes' },
    ],
    [
      client('name: " ", scopes: []'),
      'name must have 1 to 100 characters',
      { field: 'name', limit: 100 },
    ],
    [
      client('name: "x", scopes: ["a b"]'),
      '"a b" is not a scope: 1 to 128 visible ASCII characters, without spaces, quotes and backslashes',
      { field: 'scopes' },
    ],
    [
      'mutation { adminDisableClient(id: "x") { id } }',
      'There is no client with this id',
      { field: 'id' },
    ],
    [roles('nobody', 'user'), 'There is no account with this id', { field: 'id' }],
    [
      roles('1', 'king'),
      'There is no role "king": AUTH_ROLES lists the roles',
      { field: 'roles', setting: 'AUTH_ROLES' },
    ],
  ])('%s', async (query, message, fault) => {
    const { errors } = await ask(plain, query)
    expect(errors).toEqual([
      {
        message,
        path: [expect.any(String)],
        extensions: { code: 'BAD_USER_INPUT', ...fault },
      },
    ])
  })

  test('a passkey of another page', async () => {
    const device = softAuthenticator()
    const elsewhere = { origin: 'http://localhost:5173' }
    const expected = {
      message: 'Passkeys cannot be used at "http://localhost:5173": add it to PASSKEY_ORIGINS',
      extensions: { code: 'BAD_USER_INPUT', field: 'response', setting: 'PASSKEY_ORIGINS' },
    }
    const started = await ask(plain, 'mutation { startPasskeyRegistration }')
    const made = device.create(JSON.parse(started.data.startPasskeyRegistration), elsewhere)
    const finish = `mutation ($response: String!) {
      finishPasskeyRegistration(response: $response, name: "x") { id }
    }`
    expect((await ask(plain, finish, { response: made })).errors).toMatchObject([expected])
    const login = await ask(plain, 'mutation { startPasskeyLogin }')
    const used = device.get(JSON.parse(login.data.startPasskeyLogin), elsewhere)
    const finishLogin = `mutation ($response: String!) {
      finishPasskeyLogin(response: $response) { token }
    }`
    expect((await ask(plain, finishLogin, { response: used })).errors).toMatchObject([expected])
  })

  test('a refresh without a cookie, where there are cookies', async () => {
    const { errors } = await ask(withCookies, 'mutation { refresh { token } }', {}, true)
    expect(errors).toMatchObject([
      {
        message: 'Give refreshToken: there is no cookie __Host-refresh either',
        extensions: { code: 'BAD_USER_INPUT', field: 'refreshToken' },
      },
    ])
  })
})

test('an access token that a browser would drop as a cookie is refused with a sentence, and its session ends', async () => {
  await ask(withCookies, roles('1', 'reader'))
  const { data, errors, cookies } = await ask(withCookies, login(', inCookies: true'), {}, true)
  expect({ data, cookies }).toEqual({ data: { login: null }, cookies: [] })
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', limit: 4096 } }])
  expect(errors![0].message).toMatch(
    /^The access token does not fit into a cookie: browsers drop one of more than 4096 bytes, and this has \d{4}\. Give/,
  )
  const { token } = (await ask(withCookies, login(), {}, true)).data.login
  const { data: own } = await ask({ ...withCookies, token }, '{ sessions { current } }')
  expect(own.sessions).toEqual([{ current: true }])
})

// The same suite: loading auth again takes half a second of CPU time.
await import('./auth-typed-text.ts')
