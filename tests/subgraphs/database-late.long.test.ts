/** A database that starts after the processes that need it. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { waitForDatabase } from '../../subgraphs/storage/wait-for-database.ts'
import { startModule } from '../scripts/support/run-script.ts'
import { claimsKeyOf } from '../support/ask-subgraph.ts'
import { authEnvironment } from '../support/auth-client.ts'
import { testDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

const postgres = (await testDatabases()).find(({ name }) => name === 'PostgreSQL')
const describeOnPostgres = postgres ? describe : describe.skip

async function listening(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function usersEnvironment(url: string): Record<string, string> {
  return { USERS_PORT: '0', DATABASE_URL: url, CLAIMS_KEY: claimsKeyOf('users') }
}

describeOnPostgres('auth and users', () => {
  test('wait for a database that is not there yet', async () => {
    const scratch = await postgres!.make()
    const real = new URL(scratch.url)
    const proxy = createServer((client) => {
      const server = connect(Number(real.port), real.hostname)
      for (const socket of [client, server]) socket.on('error', () => socket.destroy())
      client.pipe(server).pipe(client)
    })
    const port = await listening(proxy)
    proxy.close()
    const late = new URL(scratch.url)
    late.port = String(port)
    const runs = {
      auth: startModule('subgraphs/auth/main', [], authEnvironment(late.href)),
      users: startModule('subgraphs/users/main', [], usersEnvironment(late.href)),
    }
    const waiting = `the database postgres://127.0.0.1:${port}${late.pathname} refused the connection: start PostgreSQL, or correct DATABASE_URL (waiting for it, 30 s more at most)`
    for (const [name, run] of Object.entries(runs)) {
      await until(() => run.stderr.includes(`"name":"${name}"`))
      await until(() => run.stderr.includes(`"msg":${JSON.stringify(waiting)}`))
    }
    await listening(proxy, port)
    for (const [name, run] of Object.entries(runs)) {
      await until(() => run.stdout.startsWith(`${name} listening on`))
      run.process.kill('SIGTERM')
      expect(await run.ended).toBe(0)
    }
    proxy.close()
    await scratch.drop()
  })

  test('do not wait for a database that does not exist on its server', async () => {
    const scratch = await postgres!.make()
    const missing = new URL(scratch.url)
    missing.pathname = '/nothing_of_that_name'
    const run = startModule('subgraphs/users/main', [], usersEnvironment(missing.href))
    expect(await run.ended).toBe(1)
    expect(run.stderr).toMatch(/^users: the database .* does not exist: [^\n]*\n$/)
    await scratch.drop()
  })
})

test('a password that is not encoded is not waited for, and not in the message', async () => {
  const url = 'postgres://shop:pass#word@127.0.0.1:5432/shop'
  const run = startModule('subgraphs/users/main', [], usersEnvironment(url))
  expect(await run.ended).toBe(1)
  expect(run.stderr).toMatch(/^users: DATABASE_URL is not a valid URL: [^\n]*%23[^\n]*\n$/)
  expect(run.stderr).not.toContain('word@')
})

test('waiting has an end, with the reason', async () => {
  const reports: string[] = []
  const open = () => openDatabase('postgres://127.0.0.1:1/shop')
  const opening = waitForDatabase(open, { report: (line) => reports.push(line), limit: 1_200 })
  await expect(opening).rejects.toThrow(/^the database .* refused the connection/)
  expect(reports).toHaveLength(1)
})
