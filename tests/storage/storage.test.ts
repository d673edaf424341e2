import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import type { Kysely } from 'kysely'
import { isDatabaseUnavailable } from '../../subgraphs/storage/database-unavailable.ts'
import { databaseUrl } from '../../subgraphs/storage/database-url.ts'
import { migrate } from '../../subgraphs/storage/migrate.ts'
import type { Migrations } from '../../subgraphs/storage/migrate.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import { testDatabases } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { until } from '../support/until.ts'
import { migrateRacing } from '../support/migrate-racing.ts'
import type { ScratchDatabase } from '../support/postgres.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

interface Things {
  things: { id: string; at: number; note: string | null }
}

const things: Migrations = {
  '001 things': {
    async up(database) {
      await database.schema
        .createTable('things')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .addColumn('note', 'text')
        .execute()
    },
  },
}

/** Keeps the database from working, in the middle of a transaction. */
const disturb: Record<TestDatabase['name'], (transaction: Kysely<Things>) => Promise<unknown>> = {
  async SQLite(transaction) {
    await sql`pragma max_page_count = 1`.execute(transaction)
    const full = { id: 'five', at: 1, note: 'x'.repeat(100_000) }
    await transaction.insertInto('things').values(full).execute()
  },
  async PostgreSQL(transaction) {
    await sql`select pg_terminate_backend(pg_backend_pid())`.execute(transaction)
  },
}

describe.each(await testDatabases())('$name', ({ name, make }) => {
  /** When the processes that start together are loaded, and begin. */
  let startAt: string
  let scratch: ScratchDatabase
  let database: Kysely<Things>

  beforeAll(async () => {
    startAt = String(Date.now() + 2_000)
    scratch = await make()
    database = await openDatabase<Things>(scratch.url)
    await migrate(database, 'things', things)
  })
  afterAll(async () => {
    await database.destroy()
    await scratch.drop()
  })

  test('text of any language and whole milliseconds come back as they were', async () => {
    const thing = { id: 'Ångström 漢字 \n\u{1f512}', at: 1_795_580_413_243, note: null }
    await database.insertInto('things').values(thing).execute()
    const read = database.selectFrom('things').selectAll().where('id', '=', thing.id)
    expect(await read.executeTakeFirst()).toEqual(thing)
  })

  test('of two inserts of one key, the second reports that it did nothing', async () => {
    const insert = () =>
      database
        .insertInto('things')
        .values({ id: 'one', at: 1 })
        .onConflict((conflict) => conflict.doNothing())
        .returning('id')
        .executeTakeFirst()
    expect(await insert()).toEqual({ id: 'one' })
    expect(await insert()).toBeUndefined()
  })

  test('an update reports the rows that it changed, and nothing when it found none', async () => {
    await database.insertInto('things').values({ id: 'two', at: 1 }).execute()
    const take = () =>
      database
        .updateTable('things')
        .set({ note: 'taken' })
        .where('id', '=', 'two')
        .where('note', 'is', null)
        .returning(['id', 'at'])
        .execute()
    const taken = await Promise.all([take(), take(), take()])
    expect(taken.flat()).toEqual([{ id: 'two', at: 1 }])
  })

  test('of a transaction that fails nothing stays', async () => {
    const failing = database.transaction().execute(async (transaction) => {
      await transaction.insertInto('things').values({ id: 'three', at: 1 }).execute()
      throw new Error('on purpose')
    })
    await expect(failing).rejects.toThrow('on purpose')
    expect(
      await database.selectFrom('things').select('id').where('id', '=', 'three').execute(),
    ).toEqual([])
  })

  test('an unavailable database is distinguished from a wrong statement', async () => {
    const wrong = sql`select nothing from nowhere`.execute(database)
    await expect(wrong).rejects.not.toMatchObject({ name: 'DatabaseUnavailable' })

    const other = await openDatabase<Things>(scratch.url)
    const failing = other.transaction().execute(async (transaction) => {
      await transaction.insertInto('things').values({ id: 'four', at: 1 }).execute()
      await disturb[name](transaction)
    })
    await expect(failing).rejects.toMatchObject({ name: 'DatabaseUnavailable' })
    expect(
      await other.selectFrom('things').select('id').where('id', '=', 'four').execute(),
    ).toEqual([])
    await other.destroy()
  })

  test('a closed database is an unavailable one, for what a process that ends leaves undone', async () => {
    const other = await openDatabase<Things>(scratch.url)
    await other.destroy()
    const refused = await other
      .selectFrom('things')
      .execute()
      .catch((cause: unknown) => cause)
    expect(isDatabaseUnavailable(refused)).toBe(true)
    expect(isDatabaseUnavailable(new Error('another'))).toBe(false)
  })

  test('a migration runs once, however often it is asked for', async () => {
    await migrate(database, 'things', things)
    expect(await names('things_migrations')).toEqual(['001 things'])
  })

  test('several owners keep their records apart in one database', async () => {
    await migrate(database, 'others', { '001 others': { up: async () => {} } })
    expect(await names('others_migrations')).toEqual(['001 others'])
    expect(await names('things_migrations')).toEqual(['001 things'])
  })

  test('a failed migration is rolled back, and the message names the owner of the tables', async () => {
    const failing: Migrations = {
      '001 half': {
        async up(db) {
          await db.schema.createTable('half').addColumn('id', 'text').execute()
          throw new Error('on purpose')
        },
      },
    }
    await expect(migrate(database, 'failing', failing)).rejects.toThrow(
      /^the tables of failing cannot be brought up to date \(on purpose\)/,
    )
    await expect(sql`select * from half`.execute(database)).rejects.toThrow(/half/)
  })

  test('a database from a newer version is refused, not changed', async () => {
    await migrate(database, 'newer', { '001 a': { up: async () => {} } })
    await expect(migrate(database, 'newer', { '002 b': { up: async () => {} } })).rejects.toThrow(
      /^the tables of newer cannot be brought up to date/,
    )
  })

  test('processes that start together run a migration once', async () => {
    if (name === 'SQLite')
      await Promise.all([migrateInProcess(), migrateInProcess(), migrateInProcess()])
    else await Promise.all(Array.from({ length: 8 }, () => migrateRacing(scratch.url)))
    const { rows } = await sql`select value from racing_counters`.execute(database)
    expect(rows).toHaveLength(1)
  })

  /** One process waits for another's lock on a file with its whole thread. */
  async function migrateInProcess() {
    const script = fileURLToPath(new URL('../support/migrate-process.mjs', import.meta.url))
    const child = spawn(process.execPath, [script, scratch.url, startAt], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const [code] = await once(child, 'exit')
    expect(code).toBe(0)
  }

  async function names(table: string) {
    const { rows } = await sql<{ name: string }>`select name from ${sql.table(table)}`.execute(
      database,
    )
    return rows.map(({ name }) => name)
  }
})

describe('a database that cannot be used is one sentence, which names it and says how to mend it', () => {
  const folder = scratchFolder()
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  mkdirSync(join(folder, 'folder.db'))

  test.each([
    [
      'a file that is no database',
      `sqlite:${file('garbage.db', 'no database '.repeat(99))}`,
      /garbage\.db is corrupt or is not a SQLite database: restore/,
    ],
    [
      'a folder',
      `sqlite:${join(folder, 'folder.db')}`,
      /folder\.db cannot be opened \(EISDIR\): make it .* DATA_DIR$/,
    ],
    [
      'a folder that is a file',
      `sqlite:${join(file('plain', ''), 'a.db')}`,
      /cannot be opened \((EEXIST|ENOTDIR)\): .* DATA_DIR$/,
    ],
    [
      'a server that is down',
      'postgres://eve:hunter2@127.0.0.1:1/shop',
      /^the database postgres:\/\/127\.0\.0\.1:1\/shop refused the connection: start/,
    ],
    [
      'a host that does not exist',
      'postgres://eve:hunter2@nowhere.invalid/shop',
      /nowhere\.invalid/,
    ],
    ['a URL that is none', 'postgres://eve:hunter2@[', /DATABASE_URL/],
    [
      'another kind of database',
      'mysql://eve:hunter2@127.0.0.1/shop',
      /^DATABASE_URL is not a supported database/,
    ],
  ])('%s', async (_name, url, sentence) => {
    const failure = await openDatabase(url).catch((cause: Error) => cause)
    expect(failure).toMatchObject({
      name: 'DatabaseFailure',
      message: expect.stringMatching(sentence),
    })
    expect((failure as Error).message).not.toMatch(/hunter2|eve|\n/)
  })
})

const scratch = scratchFolder()

test('a file that we make can be read by its owner only', async () => {
  const path = join(scratch, 'made', 'a.db')
  const database = await openDatabase<any>(`sqlite:${path}`)
  await sql`create table t (x text)`.execute(database)
  expect([path, `${path}-wal`].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600])
  expect(readFileSync(path).byteLength).toBeGreaterThan(0)
  await database.destroy()
})

test('two processes see what the other wrote, however often one of them has opened the file', async () => {
  const path = join(scratch, 'again.db')
  const first = await openDatabase<any>(`sqlite:${path}`)
  await sql`create table t (x text)`.execute(first)
  const second = await openDatabase<any>(`sqlite:${path}`)
  for (const turn of ['1', '2', '3']) {
    await sql`insert into t values (${`ours ${turn}`})`.execute(second)
    expect(await writeElsewhere(path, `theirs ${turn}`)).toBe(Number(turn) * 2)
    const { rows } = await sql`select x from t`.execute(second)
    expect(rows).toHaveLength(Number(turn) * 2)
  }
  await first.destroy()
  await second.destroy()
})

/** Adds a row in a process of its own, and returns how many rows it sees. */
async function writeElsewhere(path: string, text: string): Promise<number> {
  const program = `
    const Libsql = require('libsql')
    const database = new Libsql(${JSON.stringify(path)})
    database.exec("insert into t values ('${text}')")
    process.exitCode = database.prepare('select x from t').all().length
    database.close()`
  const [code] = await once(spawn(process.execPath, ['-e', program], { stdio: 'inherit' }), 'exit')
  return Number(code)
}

test('a statement without a response from PostgreSQL fails, and its connection is replaced', async () => {
  const postgres = (await testDatabases()).find(({ name }) => name === 'PostgreSQL')
  if (!postgres) return
  const scratch = await postgres.make()
  const database = await openDatabase<any>(scratch.url, { statementLimit: 300 })
  const asleep = Array.from({ length: 12 }, () => sql`select pg_sleep(600)`.execute(database))
  for (const outcome of await Promise.allSettled(asleep)) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { name: 'DatabaseUnavailable' } })
  }
  const inTransaction = database.transaction().execute(async (transaction) => {
    await sql`select pg_sleep(600)`.execute(transaction)
  })
  await expect(inTransaction).rejects.toMatchObject({ name: 'DatabaseUnavailable' })
  // Again, where the machine is so busy that this takes longer than the limit.
  const works = () =>
    sql`select 1`.execute(database).then(
      () => true,
      () => false,
    )
  await until(works)
  await database.destroy()
  await scratch.drop()
})

describe('the URL of the database', () => {
  const read = (environment: Record<string, string>, production: boolean) => {
    const problems: string[] = []
    const url = databaseUrl(
      {
        production,
        dataDirectory: environment.DATA_DIR ?? '.data',
        optional: (name) => environment[name],
        optionalSecret: (name) => environment[name],
        problem: (sentence) => problems.push(sentence),
      },
      'auth.db',
    )
    return { url, problems }
  }

  test('is DATABASE_URL where it is set', () => {
    expect(read({ DATABASE_URL: 'postgres://db/x' }, true)).toEqual({
      url: 'postgres://db/x',
      problems: [],
    })
  })

  test('is a file in DATA_DIR otherwise', () => {
    expect(read({}, false)).toEqual({ url: 'sqlite:.data/auth.db', problems: [] })
    expect(read({ DATA_DIR: '/data' }, true)).toEqual({ url: 'sqlite:/data/auth.db', problems: [] })
  })

  test('is chosen by the operator in production', () => {
    expect(read({}, true).problems).toEqual([expect.stringContaining('DATABASE_URL is not set')])
  })
})
