/** A process that is killed in the middle of a migration leaves nothing of it, and holds up no other. */
import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { testDatabases } from '../support/databases.ts'
import { until } from '../support/until.ts'

const script = fileURLToPath(new URL('../support/migrate-process.mjs', import.meta.url))

function migrating(url: string, ...words: string[]) {
  const child = spawn(process.execPath, [script, url, '0', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  return {
    child,
    ended: once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string),
    has: (line: string) => until(() => printed.includes(line), { atMost: 60_000 }),
  }
}

test.each(await testDatabases())('two others complete it, once: $name', async ({ make }) => {
  const scratch = await make()
  const killed = migrating(scratch.url, 'hang')
  await killed.has('in the middle')
  const others = [migrating(scratch.url), migrating(scratch.url)]
  for (const { has } of others) await has('migrating')
  killed.child.kill('SIGKILL')
  expect(await killed.ended).toBe('SIGKILL')
  expect(await Promise.all(others.map(({ ended }) => ended))).toEqual([0, 0])
  const database = await openDatabase<any>(scratch.url)
  const { rows } = await sql`select value from racing_counters`.execute(database)
  expect(rows).toEqual([{ value: 2 }])
  await database.destroy()
  await scratch.drop()
})
