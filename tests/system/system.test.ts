/** The system as a person meets it: `npm start` on real processes, a real database, real signals. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { difference, readCounts } from '../../scripts/walkthrough/counts.ts'
import { isTrue, rowsOf } from '../../scripts/walkthrough/rows.ts'
import { send } from '../../scripts/walkthrough/send.ts'
import { walkThrough } from '../../scripts/walkthrough/walk-through.ts'
import type { WalkThrough } from '../../scripts/walkthrough/walk-through.ts'
import { runScript, startModule } from '../scripts/support/run-script.ts'
import { until } from '../support/until.ts'
import { endsByCtrlC, freePorts, startedSystem } from './support/started-system.ts'
import type { StartedSystem } from './support/started-system.ts'

const folder = mkdtempSync(join(tmpdir(), 'portcullis-system-'))
const dataDirectory = join(folder, 'data')
let system: StartedSystem
let token: string

beforeAll(async () => {
  system = await startedSystem(dataDirectory)
}, 120_000)

afterAll(async () => {
  system?.run.process.kill('SIGTERM')
  await system?.run.ended
  rmSync(folder, { recursive: true })
})

/** Runs the printed commands in a shell, one after the other, and returns the output. */
async function runPrintedCommands(): Promise<string> {
  const commands = system.run.stdout.match(/^ +(?:TOKEN=\$\()?curl .*$/gm) ?? []
  expect(commands).toHaveLength(4)
  const { stdout } = await promisify(execFile)('sh', ['-c', commands.join('\necho\n')])
  return stdout
}

test('the printed commands log in, read userData, and show how a bad token is refused', async () => {
  const answers = (await runPrintedCommands()).split('\n')
  const loggedIn = JSON.parse(answers[0]!)
  expect(loggedIn).toMatchObject({ data: { login: { expiresIn: 300, user: { id: '1' } } } })
  token = loggedIn.data.login.token
  expect(answers).toContain('{"data":{"userData":{"id":"1","name":"Alice"}}}')
  expect(answers.map((line) => line.trimEnd())).toContain('HTTP/1.1 401 Unauthorized')
  expect(answers.findLast((line) => line !== '')).toContain('"code":"UNAUTHENTICATED"')
  expect(system.run.stdout).toContain('account   alice / secret')
})

let walk: WalkThrough

test('the twelve steps happen as described, each row with its findings', async () => {
  walk = await walkThrough({ urls: system.urls, environment: { DATA_DIR: dataDirectory } })
  const rows = rowsOf(walk)
  expect(rows.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  expect(rows.filter((row) => !isTrue(row))).toEqual([])
})

test('in steps 10 to 12 no subgraph receives a request, and the client sees which token has expired', () => {
  for (const { response, counts } of [walk.expired, walk.tampered, walk.revoked]) {
    expect(counts).toMatchObject({ gateway: 1, auth: 0, users: 0 })
    expect(response).toMatchObject({ status: 401, data: null })
  }
  expect(walk.expired.response.errors).toMatchObject([{ extensions: { reason: 'TOKEN_EXPIRED' } }])
  expect(walk.tampered.response.errors).toMatchObject([
    { extensions: { reason: 'SIGNATURE_INVALID' } },
  ])
  expect(walk.revoked.response.errors).toMatchObject([{ extensions: { reason: 'TOKEN_REVOKED' } }])
})

test('a row is not true when what it says was not seen', () => {
  const untrue = (changed: Partial<WalkThrough>) =>
    rowsOf({ ...walk, ...changed })
      .filter((row) => !isTrue(row))
      .map(({ step }) => step)
  const { loggedIn, queried, expired } = walk
  expect(untrue({ loggedIn: { ...loggedIn, counts: queried.counts } })).toEqual([1])
  expect(untrue({ wrongPassword: loggedIn })).toEqual([2])
  expect(untrue({ verified: undefined })).toEqual([3, 4, 8])
  expect(untrue({ queried: { ...queried, counts: { ...queried.counts, users: 0 } } })).toEqual([8])
  expect(
    untrue({ queried: { ...queried, counts: { ...queried.counts, tokensAccepted: 2 } } }),
  ).toEqual([7])
  expect(untrue({ expired: { ...expired, counts: queried.counts } })).toEqual([11])
  expect(untrue({ expired: walk.tampered })).toEqual([12])
  expect(untrue({ revoked: queried })).toEqual([11, 12])
})

test('the processes count the requests in which they take part', async () => {
  const before = await readCounts(system.urls)
  await send(system.urls.gateway, { query: '{ session { user { id name } } }' }, token)
  expect(difference(before, await readCounts(system.urls))).toMatchObject({
    gateway: 1,
    auth: 1,
    users: 1,
  })
})

test('no password, token, cookie, document or variable is in a line of any process', async () => {
  const password = 'canary-of-a-password'
  const variable = 'canary-of-a-variable'
  const login = (text: string) => ({
    query: `mutation { login(username: "alice", password: "${text}") { token } }`,
  })
  const post = (body: object, headers: Record<string, string>) =>
    fetch(system.urls.gateway, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    }).then((response) => response.text())
  const cookie = 'session=canary-of-a-cookie'
  await post(login(password), { cookie })
  await post(login('secret'), { cookie })
  await post({ query: 'query ($name: Int) { nothing }', variables: { name: variable } }, { cookie })
  await post({ query: '{ userData { id } }' }, { authorization: `Bearer ${token}x` })
  await post({ query: '{ userData { id } }' }, { authorization: `Bearer ${token}` })
  // A wrong token of the subgraph itself.
  await fetch(system.urls.auth, { method: 'POST', headers: { 'gateway-claims': token } })
  await until(() => system.run.output.includes('gateway: 401 request refused (SIGNATURE_INVALID)'))
  await until(() => system.run.output.includes('auth: warning: request refused'))
  const { output } = system.run
  for (const secret of [password, variable, 'canary-of-a-cookie', token, token.split('.')[2]!]) {
    expect(output).not.toContain(secret)
  }
})

test('the secrets and the databases are files that only their owner can read', () => {
  const files = readdirSync(dataDirectory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('supergraph-'))
    .map(({ parentPath, name }) => join(parentPath, name))
  expect(files.length).toBeGreaterThanOrEqual(4)
  for (const file of files) expect([file, statSync(file).mode & 0o077]).toEqual([file, 0])
})

test('Ctrl-C stops all processes, prints nothing more, exit code 0', async () => {
  await endsByCtrlC(system)
})

test('a taken port is one sentence that names it and says how to mend it', async () => {
  const taken = createServer()
  await new Promise<void>((ready) => taken.listen(0, '127.0.0.1', ready))
  const { port } = taken.address() as AddressInfo
  const environment = { DATA_DIR: dataDirectory, ...freePorts, AUTH_PORT: String(port) }
  const { exitCode, stderr } = await runScript('start', [], environment)
  taken.close()
  expect(exitCode).toBe(1)
  expect(stderr).toBe(
    `auth: port ${port} on 127.0.0.1 is already in use: stop what uses it, or set AUTH_PORT to a free port\n`,
  )
})

test('a supergraph.yaml that does not compose is reported, and nothing runs', async () => {
  const start = (cwd: string) =>
    runScript('start', [], { ...freePorts, AUTH_PORT: '1', USERS_PORT: '1' }, cwd)
  const own = mkdtempSync(join(folder, 'own-'))
  writeFileSync(
    join(own, 'supergraph.yaml'),
    'subgraphs:\n  auth: { schema: { file: a.graphql } }\n',
  )
  expect(await start(own)).toMatchObject({
    exitCode: 1,
    stderr:
      'start: supergraph.yaml does not compose; correct this and start again:\n' +
      'supergraph.yaml:2: error INVALID_CONFIGURATION: subgraphs.auth has no `routing_url`: it is where the gateway finds the subgraph\n',
  })
})

test('a database that cannot be read is one sentence that names it', async () => {
  const broken = join(folder, 'broken')
  mkdirSync(broken)
  writeFileSync(
    join(broken, 'auth.db'),
    'this is not a database, but it is long enough to look like one'.repeat(20),
  )
  const { exitCode, stderr } = await runScript('start', [], {
    DATA_DIR: broken,
    ...freePorts,
  })
  expect(exitCode).toBe(1)
  expect(stderr).toBe(
    `auth: the database ${join(broken, 'auth.db')} is corrupt or is not a SQLite database: ` +
      'restore it from a backup, or move it away to start with an empty one\n',
  )
})

test('in production nothing is started and nothing invented: it is said what to run instead', async () => {
  const data = join(folder, 'production')
  const environment = { DATA_DIR: data, NODE_ENV: 'production', ...freePorts }
  const { exitCode, stdout, stderr } = await runScript('start', [], environment)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
  expect(stderr).toContain('npm run gateway -- --supergraph supergraph.graphql')
  expect(readdirSync(folder)).not.toContain('production')
})

test('the gateway starts alone, is alive and not ready while its issuer is down, and stops on a signal', async () => {
  const supergraph = join(folder, 'supergraph.graphql')
  expect(await runScript('compose', ['--output', supergraph])).toMatchObject({ exitCode: 0 })
  const words = ['--supergraph', supergraph, '--port', '0']
  const environment = { DATA_DIR: dataDirectory, LOG_LEVEL: 'silent', AUTH_PORT: '1' }
  const run = startModule('gateway/main', words, environment)
  await until(() => run.stdout.includes('\n') || run.stderr !== '')
  expect(run.output).toMatch(/^gateway listening on http:\/\/127\.0\.0\.1:\d+\/graphql\n$/)
  const url = run.stdout.trim().split(' ').at(-1)!
  const status = async (path: string) => (await fetch(new URL(path, url))).status
  expect([await status('/health'), await status('/ready')]).toEqual([200, 503])
  run.process.kill('SIGTERM')
  expect(await run.ended).toBe(0)
})
