/** Opens databases by URL: the only module that knows the drivers. */
import { Kysely, sql } from 'kysely'
import { DatabaseFailure } from './database-failure.ts'

export interface DatabaseOptions {
  /**
   * How long a statement may take on PostgreSQL, in milliseconds; then its connection is closed, and it
   * fails with a DatabaseUnavailable. Default: 30 s; Infinity for no limit.
   */
  statementLimit?: number | undefined
}

/**
 * Returns an open database whose connection has been tested. Throws a DatabaseFailure for a problem with
 * the URL, the file or the server.
 *
 *   sqlite:PATH                             embedded, one file; created if it does not exist
 *   postgres://USER:PASSWORD@HOST/DATABASE  also postgresql://
 */
export async function openDatabase<Tables>(
  url: string,
  options: DatabaseOptions = {},
): Promise<Kysely<Tables>> {
  const { dialect, describe } = await door(url, options)
  const database = new Kysely<Tables>({ dialect })
  try {
    await sql`select 1`.execute(database)
    return database
  } catch (cause) {
    await database.destroy().catch(() => {})
    throw new DatabaseFailure(describe(cause), { cause })
  }
}

/** A driver is loaded when a database needs it: each takes a fraction of a second. */
async function door(url: string, { statementLimit }: DatabaseOptions) {
  const scheme = /^([a-z]+):/.exec(url)?.[1]
  if (scheme === 'sqlite') {
    const { sqliteDialect } = await import('./sqlite.ts')
    return sqliteDialect(url.slice('sqlite:'.length))
  }
  if (scheme === 'postgres' || scheme === 'postgresql') {
    const { postgresDialect } = await import('./postgres.ts')
    return postgresDialect(url, statementLimit)
  }
  throw new DatabaseFailure(
    'DATABASE_URL is not a supported database: ' +
      'set it to postgres://USER@HOST/DATABASE or sqlite:PATH',
  )
}
