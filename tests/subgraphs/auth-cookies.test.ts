/** Tokens in cookies, through a gateway, as a browser keeps them. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import { readFileSync } from 'node:fs'
import { startAuth } from '../../subgraphs/auth/start-auth.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'
import type { RunningProcess } from '../../subgraphs/kit/process/run-process.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { cheapHashes } from '../support/auth-client.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret, runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { shippedPart } from '../support/shipped-config.ts'

const schema = readFileSync(new URL('../../subgraphs/auth/schema.graphql', import.meta.url), 'utf8')
const folder = scratchFolder()
let auth: RunningProcess
let withoutCookies: RunningProcess
let gateway: RunningGateway
const { log, lines } = recordedLog()

const environment = (name: string) => ({
  AUTH_PORT: '0',
  DATABASE_URL: `sqlite:${folder}/${name}.db`,
  CLAIMS_KEY: Buffer.from(deriveClaimsKey(gatewaySecret, 'auth')).toString('base64url'),
  KEY_ENCRYPTION_SECRET: 'a key encryption secret of the tests',
})

beforeAll(async () => {
  const surroundings = { hashParameters: cheapHashes, log }
  auth = await startAuth({ ...environment('on'), SESSION_COOKIES: 'on' }, surroundings)
  withoutCookies = await startAuth(environment('off'), surroundings)
  gateway = await gatewayBefore(auth)
})
afterAll(async () => {
  await gateway.close()
  await auth.close()
  await withoutCookies.close()
})

function gatewayBefore({ url }: RunningProcess): Promise<RunningGateway> {
  return runGateway(
    [{ name: 'auth', url, sdl: schema }],
    `authentication:
  issuers:
    - issuer: http://127.0.0.1:4001
      jwks_uri: ${new URL('/.well-known/jwks.json', url).href}
      audiences: [portcullis]
      algorithms: [ES256]
  sources:
    - { header: authorization, scheme: Bearer }
    - { cookie: __Host-access }
${shippedPart('claims')}${shippedPart('subgraphs')}`,
  )
}

/** Keeps cookies as a browser does. */
function browser(to = gateway) {
  const jar = new Map<string, string>()
  const set: string[] = []
  const ask = async (query: string, headers: Record<string, string> = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(to.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(cookie ? { cookie } : {}), ...headers },
      body: JSON.stringify({ query }),
    })
    for (const line of response.headers.getSetCookie()) {
      set.push(line)
      const [, name, value, age] = /^([^=]+)=([^;]*); Max-Age=(\d+)/.exec(line)!
      if (age === '0') jar.delete(name!)
      else jar.set(name!, value!)
    }
    return {
      status: response.status,
      ...((await response.json()) as { data?: any; errors?: any[] }),
    }
  }
  return { ask, jar, set }
}

const login = (more: string) =>
  `mutation { login(username: "alice", password: "secret"${more}) { token refreshToken expiresIn user { id } } }`

test('a page logs in, is known, refreshes and logs out without ever seeing a token', async () => {
  const { ask, jar, set } = browser()
  expect((await ask(login(', inCookies: true'))).data.login).toEqual({
    token: null,
    refreshToken: null,
    expiresIn: 300,
    user: { id: '1' },
  })
  expect(set.map((line) => line.replace(/=[^;]*/, '=')).sort()).toEqual([
    '__Host-access=; Max-Age=300; Path=/; Secure; HttpOnly; SameSite=Strict',
    '__Host-refresh=; Max-Age=604800; Path=/; Secure; HttpOnly; SameSite=Strict',
  ])
  expect((await ask('{ session { user { id } } }')).data).toEqual({
    session: { user: { id: '1' } },
  })

  const before = jar.get('__Host-refresh')
  jar.delete('__Host-access')
  const refresh = 'mutation { refresh { token refreshToken user { id } } }'
  expect((await ask(refresh)).data.refresh).toEqual({
    token: null,
    refreshToken: null,
    user: { id: '1' },
  })
  expect(jar.get('__Host-refresh')).not.toBe(before)
  expect((await ask('mutation { logout }')).data).toEqual({ logout: true })
  expect([...jar]).toEqual([])
})

test('if its session cannot be ended, a page keeps its cookies, and can log out later', async () => {
  const { ask, jar } = browser()
  await ask(login(', inCookies: true'))
  const database = await openDatabase<any>(environment('on').DATABASE_URL)
  await sql`create trigger full before insert on auth_audit when new.event = 'logout'
    begin select raise(abort, 'as if the disk were full'); end`.execute(database)
  expect((await ask('mutation { logout }')).data).toEqual({ logout: null })
  expect(lines.filter((line) => line.includes('"level":50'))).toEqual([
    expect.stringContaining('as if the disk were full'),
  ])
  expect([...jar.keys()]).toEqual(['__Host-access', '__Host-refresh'])
  await sql`drop trigger full`.execute(database)
  await database.destroy()
  expect((await ask('mutation { logout }')).data).toEqual({ logout: true })
  expect([...jar.keys()]).toEqual([])
})

test('a page without an access token in the browser can still log out', async () => {
  const { ask, jar } = browser()
  await ask(login(', inCookies: true'))
  const [kept] = [...jar].filter(([name]) => name === '__Host-refresh')
  jar.delete('__Host-access')
  expect((await ask('mutation { logout }')).data).toEqual({ logout: true })
  expect([...jar]).toEqual([])
  jar.set(...kept!)
  expect((await ask('mutation { logout }')).data).toEqual({ logout: false })
  expect([...jar]).toEqual([])
  const anonymous = await ask('mutation { logout }')
  expect(anonymous.errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }])
})

test('logging out ends the session of each cookie, also when they are not of one', async () => {
  const [first, second] = [browser(), browser()]
  await first.ask(login(', inCookies: true'))
  await second.ask(login(', inCookies: true'))
  const refreshToken = second.jar.get('__Host-refresh')!
  const own = first.jar.get('__Host-refresh')!
  first.jar.set('__Host-refresh', refreshToken)
  expect((await first.ask('mutation { logout }')).data).toEqual({ logout: true })
  for (const token of [own, refreshToken]) {
    const again = browser()
    const { errors } = await again.ask(`mutation { refresh(refreshToken: "${token}") { token } }`)
    expect(errors).toMatchObject([{ extensions: { code: 'SESSION_ENDED' } }])
    expect(again.set).toEqual([])
  }
})

test.each(['of a session that has ended', 'that nobody gave out'])(
  'a refresh token %s is taken away',
  async (what) => {
    const { ask, jar } = browser()
    await ask(login(', inCookies: true'))
    const refreshToken = jar.get('__Host-refresh')!
    await ask('mutation { logout }')
    jar.set('__Host-refresh', what.startsWith('of') ? refreshToken : 'A'.repeat(43))
    const { data, errors } = await ask('mutation { refresh { user { id } } }')
    expect({ data, errors }).toMatchObject({
      data: { refresh: null },
      errors: [{ extensions: { code: 'SESSION_ENDED' } }],
    })
    expect([...jar]).toEqual([])
  },
)

test('a client that holds its tokens itself gets no cookies', async () => {
  const { ask, jar } = browser()
  const { token, refreshToken } = (await ask(login(''))).data.login
  expect({ token, refreshToken }).toEqual({
    token: expect.any(String),
    refreshToken: expect.any(String),
  })
  const { errors } = await ask('mutation { refresh { token } }')
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
  expect([...jar]).toEqual([])
})

test('an access token in a cookie that is refused is taken away, so that its holder can log in again', async () => {
  const { ask, jar } = browser()
  jar.set('__Host-access', 'not.a.token')
  const refused = await ask('{ session { user { id } } }')
  expect(refused).toMatchObject({
    status: 401,
    errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
  })
  expect([...jar]).toEqual([])
  expect((await ask(login(', inCookies: true'))).data.login.user).toEqual({ id: '1' })
})

test('a page of another origin cannot act with the cookies: what needs no consent of CORS is refused', async () => {
  const { ask, jar } = browser()
  await ask(login(', inCookies: true'))
  const kept = new Map(jar)
  const forged = await ask('mutation { logout }', { 'content-type': 'text/plain' })
  expect(forged.status).toBe(415)
  expect(jar).toEqual(kept)
  const preflight = await fetch(gateway.url, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://evil.test',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type',
    },
  })
  expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
})

test('without SESSION_COOKIES no tokens are returned in cookies', async () => {
  const other = await gatewayBefore(withoutCookies)
  try {
    const { ask, jar } = browser(other)
    const { data, errors } = await ask(login(', inCookies: true'))
    expect(data).toEqual({ login: null })
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
    expect([...jar]).toEqual([])
  } finally {
    await other.close()
  }
})
