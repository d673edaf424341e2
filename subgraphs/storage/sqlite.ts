/** SQLite, embedded, through libsql. */
import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { CompiledQuery, SqliteAdapter, SqliteDialect, SqliteDriver } from 'kysely'
import type { DatabaseConnection, SqliteDatabase, SqliteDialectConfig } from 'kysely'
import Libsql from 'libsql'
import { DatabaseUnavailable, reportUnavailable } from './database-unavailable.ts'
import { storable } from './storable.ts'

/** How long a statement waits for another process that is writing, in milliseconds. */
const busyTimeout = 10_000

/** How often, and after which pause, to retry a step for which SQLite does not wait by itself. */
const attempts = { count: 100, pause: 50 }

const pragmas = [
  `pragma busy_timeout = ${busyTimeout}`,
  // Readers do not wait for the writer.
  'pragma journal_mode = wal',
  // A confirmed commit survives a loss of power: one fsync per commit.
  'pragma synchronous = full',
  'pragma foreign_keys = on',
]

/** Returns the dialect for one file, and the messages for when it cannot be opened. */
export function sqliteDialect(path: string) {
  return {
    dialect: new Dialect({ database: () => open(path) }),
    describe: (cause: unknown) => describe(path, cause),
  }
}

async function open(path: string): Promise<SqliteDatabase> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  makeFile(path)
  const database = new Libsql(path)
  try {
    for (const pragma of pragmas) await whenFree(() => database.prepare(pragma).all())
    await whenFree(() => database.prepare('select count(*) from sqlite_master').all())
  } catch (cause) {
    database.close()
    throw cause
  }
  return database as unknown as SqliteDatabase
}

/**
 * Creates the file, readable only by its owner; SQLite gives its other files the same mode. An existing
 * file is not opened: closing it would drop the locks of all connections of this process to it
 * (sqlite.org/howtocorrupt.html section 2.2), and another process could delete their log.
 */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'ax', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    accessSync(path, constants.R_OK | constants.W_OK)
    if (statSync(path).isDirectory()) throw Object.assign(new Error('a folder'), { code: 'EISDIR' })
  }
}

/** Switching to the write-ahead log needs exclusive access, and ignores busy_timeout. */
async function whenFree<T>(step: () => T): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return step()
    } catch (cause) {
      if (attempt === attempts.count || !isBusy(cause)) throw cause
      await new Promise((resolve) => setTimeout(resolve, attempts.pause))
    }
  }
}

class Dialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig

  constructor(config: SqliteDialectConfig) {
    super(config)
    this.#config = config
  }

  override createDriver() {
    return new Driver(this.#config)
  }

  override createAdapter() {
    return new Adapter()
  }
}

class Driver extends SqliteDriver {
  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection()
    return {
      executeQuery: (query) =>
        reportUnavailable(
          () => connection.executeQuery({ ...query, parameters: query.parameters.map(storable) }),
          isUnavailable,
        ),
      streamQuery: (query, chunkSize) => connection.streamQuery(query, chunkSize),
    }
  }

  /**
   * Takes the write lock at the start, for which SQLite waits. A transaction that begins with a read and
   * then writes fails without waiting if another process wrote in between.
   */
  override async beginTransaction(connection: DatabaseConnection) {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'))
  }

  /**
   * After errors such as a full disk SQLite has rolled back by itself (sqlite.org/lang_transaction.html
   * section 3.1): the error that there is nothing to roll back must not hide the cause.
   */
  override async rollbackTransaction(connection: DatabaseConnection) {
    try {
      await super.rollbackTransaction(connection)
    } catch (cause) {
      if (!/no transaction is active/.test((cause as Error).message)) throw cause
    }
  }
}

class Adapter extends SqliteAdapter {
  /** So that the migrations run in one transaction: the lock for processes that start together. */
  override get supportsTransactionalDdl() {
    return true
  }
}

/** Locked by another process for too long, no space, a failing disk. */
const unavailableCodes = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY)/

function isUnavailable(cause: unknown): boolean {
  return unavailableCodes.test(String((cause as { code?: unknown }).code))
}

function isBusy(cause: unknown): boolean {
  return String((cause as { code?: unknown }).code).startsWith('SQLITE_BUSY')
}

function describe(path: string, cause: unknown): string {
  const { code } = (cause instanceof DatabaseUnavailable ? cause.cause : cause) as {
    code?: unknown
  }
  const corrupt = `the database ${path} is corrupt or is not a SQLite database: restore it from a backup, or move it away to start with an empty one`
  const reasons: Record<string, string> = {
    SQLITE_NOTADB: corrupt,
    SQLITE_CORRUPT: corrupt,
    SQLITE_READONLY: `the database ${path} is read-only: make it and its folder writable, or choose another folder with DATA_DIR`,
    SQLITE_FULL: `the disk of the database ${path} is full: make room, or choose another folder with DATA_DIR`,
    SQLITE_BUSY: `the database ${path} is locked by another process: stop it, or choose another folder with DATA_DIR`,
  }
  const known = Object.entries(reasons).find(([prefix]) => String(code).startsWith(prefix))
  return (
    known?.[1] ??
    `the database ${path} cannot be opened (${code ?? 'unknown reason'}): make it and its folder readable and writable, or choose another folder with DATA_DIR`
  )
}
