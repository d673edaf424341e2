/** Several `npm start` in one checkout, and one whose schemas change. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { freePort } from '../support/free-port.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { repository, runScript } from '../scripts/support/run-script.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { endsByCtrlC, freePorts, startedSystem } from './support/started-system.ts'
import type { StartedSystem } from './support/started-system.ts'

const checkout = scratchFolder()
const dataDirectory = join(checkout, 'data')
const schema = join(checkout, 'subgraphs/users/schema.graphql')
let first: StartedSystem

beforeAll(async () => {
  for (const file of [
    'supergraph.yaml',
    'subgraphs/auth/schema.graphql',
    'subgraphs/users/schema.graphql',
  ]) {
    cpSync(join(repository, file), join(checkout, file))
  }
  first = await startedSystem(dataDirectory, {}, checkout)
})

afterAll(async () => {
  first?.run.process.kill('SIGTERM')
  await first?.run.ended
})

const composedFiles = (folder = dataDirectory) =>
  readdirSync(folder).filter((name) => name.endsWith('.graphql'))

async function login(gateway: string): Promise<unknown> {
  const query = 'mutation { login(username: "alice", password: "secret") { expiresIn } }'
  return (await send(gateway, { query })).data
}

test('a second npm start in one checkout, with the same data, leaves the supergraph of the first alone', async () => {
  const [file] = composedFiles()
  const text = readFileSync(join(dataDirectory, file!), 'utf8')
  const second = await startedSystem(dataDirectory, {}, checkout)
  expect(composedFiles()).toHaveLength(2)
  expect(readFileSync(join(dataDirectory, file!), 'utf8')).toBe(text)
  expect(await login(second.urls.gateway)).toEqual({ login: { expiresIn: 300 } })
  await endsByCtrlC(second)
  expect(composedFiles()).toEqual([file])
  expect(await login(first.urls.gateway)).toEqual({ login: { expiresIn: 300 } })
})

test.each(['GATEWAY_PORT', 'AUTH_PORT', 'USERS_PORT'] as const)(
  'neither does one that fails because its %s is taken',
  async (name) => {
    const process = { GATEWAY_PORT: 'gateway', AUTH_PORT: 'auth', USERS_PORT: 'users' } as const
    const taken = new URL(first.urls[process[name]]).port
    const before = composedFiles()
    const environment = { DATA_DIR: dataDirectory, ...freePorts, [name]: taken }
    const { exitCode, stderr } = await runScript('start', [], environment, checkout)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(`port ${taken} on 127.0.0.1 is already in use`)
    expect(composedFiles()).toEqual(before)
    expect(await login(first.urls.gateway)).toEqual({ login: { expiresIn: 300 } })
  },
)

test('npm start writes no file outside DATA_DIR', () => {
  expect(composedFiles(checkout)).toEqual([])
})

test('npm start composes again when a schema changes, and says what is wrong with it', async () => {
  const sdl = readFileSync(schema, 'utf8')
  const knows = async (field: string) => {
    const query = `query { __typename ...on Query { userData { ${field} } } }`
    const { errors } = await send(first.urls.gateway, { query })
    return !JSON.stringify(errors ?? []).includes('GRAPHQL_VALIDATION_FAILED')
  }
  expect([await knows('name'), await knows('nickname')]).toEqual([true, false])

  writeFileSync(schema, sdl.replace('type User', 'type Use'))
  await until(() => first.run.stderr.includes('is left as it was'))
  expect(await knows('name')).toBe(true)

  writeFileSync(schema, sdl.replace(/(type User [^{]*\{)/, '$1\n  nickname: String'))
  await until(() => knows('nickname'))
})

test('--config names the configuration of the gateway; the issuer follows AUTH_PORT', async () => {
  const config = readFileSync(join(repository, 'gateway/gateway.yaml'), 'utf8')
  writeFileSync(join(checkout, 'own.yaml'), `${config}http: { realm: its-own }\n`)
  const port = await freePort()
  const words = ['--config', 'own.yaml']
  const data = join(checkout, 'own-data')
  const own = await startedSystem(data, { AUTH_PORT: String(port) }, checkout, words)
  const query = 'mutation { login(username: "alice", password: "secret") { token } }'
  const { token } = ((await send(own.urls.gateway, { query })).data as any).login
  expect(JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString()).iss).toBe(
    `http://127.0.0.1:${port}`,
  )
  const userData = { query: '{ userData { name } }' }
  expect((await send(own.urls.gateway, userData, token)).status).toBe(200)
  const refused = await fetch(own.urls.gateway, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer no.such.token' },
    body: JSON.stringify(userData),
  })
  expect(refused.headers.get('www-authenticate')).toContain('realm="its-own"')
  // The log line of a refusal arrives after its response: nothing may be printed later than Ctrl-C.
  await until(() => own.run.stderr.includes('request refused'))
  await endsByCtrlC(own)
})
