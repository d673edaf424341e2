/** A PostgreSQL that really restarts and runs out of connections, under load: no process ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { asker, claimsKeyOf, codes } from '../support/ask-subgraph.ts'
import type { Answer } from '../support/ask-subgraph.ts'
import { authEnvironment, login, refresh, signedUp } from '../support/auth-client.ts'
import { startSubgraphProcess } from '../support/auth-process.ts'
import type { AuthProcess } from '../support/auth-process.ts'
import { scratchDatabase } from '../support/postgres.ts'
import { restartingPostgres } from '../support/restarting-postgres.ts'
import { runCompiled } from '../support/run-compiled.ts'
import { until } from '../support/until.ts'

const postgres = await restartingPostgres()
if ('failure' in postgres) console.warn(`PostgreSQL is not restarted: ${postgres.failure}`)
const server = 'url' in postgres ? postgres : undefined

const describeWithServer = server ? describe : describe.skip

describeWithServer('while PostgreSQL restarts under load', () => {
  let auth: AuthProcess
  let users: AuthProcess
  /** One for each client that logs in: a try that an outage cut off counts as a failure of its account. */
  let accounts: Record<string, string>[]

  beforeAll(async () => {
    const [forAuth, forUsers] = [
      await scratchDatabase(server!.url),
      await scratchDatabase(server!.url),
    ]
    auth = await startSubgraphProcess('auth', authEnvironment(forAuth.url))
    users = await startSubgraphProcess('users', {
      USERS_PORT: '0',
      DATABASE_URL: forUsers.url,
      CLAIMS_KEY: claimsKeyOf('users'),
    })
    const ask = asker('auth', auth.url)
    const names = Array.from({ length: 6 }, (_, index) => `client${index}`)
    accounts = await Promise.all(
      names.map((name) => signedUp(ask, name, `a long password of ${name}`)),
    )
  })
  afterAll(async () => {
    await auth.kill()
    await users.kill()
    await server!.end()
  })

  test.each(['stop', 'crash'] as const)('%s: requests fail, processes go on', async (way) => {
    const load = startLoad()
    for (let round = 0; round < 3; round++) {
      await pause(1_000)
      await server![way]()
      await pause(500)
      await server!.start()
    }
    const seen = await load.end()

    expect([auth.child.exitCode, users.child.exitCode]).toEqual([null, null])
    expect(seen.codes).toEqual(new Set(['ok', 'SERVICE_UNAVAILABLE']))
    expect(seen.statuses).toEqual(new Set(['200', '503 retry after 5']))
    await until(async () => codes(await login(load.ask, accounts[0]!)).length === 0)
  })

  test('a command that loses its database ends with one line', async () => {
    const { url } = await scratchDatabase(server!.url)
    const environment = { PATH: process.env.PATH, DATABASE_URL: url }
    const command = spawn(process.execPath, runCompiled('scripts/admin', 'import'), {
      env: { ...environment, KEY_ENCRYPTION_SECRET: 'k'.repeat(32) },
      stdio: ['pipe', 'ignore', 'pipe'],
    })
    let output = ''
    command.stderr.on('data', (chunk) => (output += chunk))
    command.stdin.write('no account\n')
    await until(() => output.includes('line 1:'))
    await server!.stop()
    command.stdin.end(
      JSON.stringify({ username: 'ann', passwordHash: '$2b$10$' + 'a'.repeat(53) }) + '\n',
    )
    const [code] = (await once(command, 'exit')) as [number]
    await server!.start()
    expect(code).toBe(1)
    expect(output.split('\n').slice(1)).toEqual([
      expect.stringMatching(
        /^admin: the database is unavailable \(\w+\): try again when it is available$/,
      ),
      '',
    ])
  })

  test('a server without a connection left fails requests, and no process', async () => {
    const held = await takeAllConnections(server!.url)
    const load = startLoad()
    await pause(1_000)
    await endConnections(held[0]!)
    await until(async () => (load.seen.codes.has('SERVICE_UNAVAILABLE') ? true : undefined))
    await Promise.all(held.map((client) => client.end()))
    const seen = await load.end()

    expect([auth.child.exitCode, users.child.exitCode]).toEqual([null, null])
    expect(seen.codes).toEqual(new Set(['ok', 'SERVICE_UNAVAILABLE']))
    await until(async () => codes(await login(load.ask, accounts[0]!)).length === 0)
  })

  /** Many clients that never pause; what they saw is collected. */
  function startLoad() {
    const ask = asker('auth', auth.url)
    const askUsers = asker('users', users.url)
    const seen = { codes: new Set<unknown>(), statuses: new Set<string>() }
    let ended = false
    const note = (answer: Answer) => {
      const found = codes(answer)
      for (const code of found.length > 0 ? found : ['ok']) seen.codes.add(code)
    }
    const plain = async (path: string) => {
      const { status, headers } = await fetch(new URL(path, auth.url))
      const retryAfter = headers.get('retry-after')
      seen.statuses.add(retryAfter === null ? `${status}` : `${status} retry after ${retryAfter}`)
    }
    const acts: ((index: number) => Promise<unknown>)[] = [
      async (index) => {
        const answer = await login(ask, accounts[Math.floor(index / acts.length)]!)
        note(answer)
        const refreshToken = answer.data?.login?.refreshToken
        if (refreshToken) note(await refresh(ask, refreshToken))
      },
      async (index) =>
        note(
          await askUsers({ sub: `u${index}${Math.random()}`, name: 'U' }, '{ userData { name } }'),
        ),
      () => plain('/.well-known/jwks.json'),
      () => plain('/revocations'),
      () => plain('/status-lists'),
    ]
    const clients = Array.from({ length: 30 }, async (_, index) => {
      while (!ended) await acts[index % acts.length]!(index)
    })
    return {
      ask,
      seen,
      async end() {
        ended = true
        await Promise.all(clients)
        return seen
      },
    }
  }
})

async function takeAllConnections(url: string): Promise<pg.Client[]> {
  const held: pg.Client[] = []
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    try {
      await client.connect()
      held.push(client)
    } catch {
      return held
    }
  }
}

/** Ends everybody else's connections, and takes what becomes free. */
async function endConnections(client: pg.Client): Promise<void> {
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname like 'portcullis%'`,
  )
}
