/** The one door to SQL: whoever wants a database names it by URL, and never meets a driver. */
import { Kysely, sql } from 'kysely'
import { DatabaseFailure } from './database-failure.ts'

export interface DatabaseOptions {
  /**
   * How long a statement may take on PostgreSQL, in milliseconds; then its connection is given up, and
   * it fails with a DatabaseUnavailable. 30 s; Infinity for what may take any time.
   */
  statementLimit?: number | undefined
}

/**
 * Returns an open database whose connection has been tried. What is wrong with the URL, the file or
 * the server is a DatabaseFailure.
 *
 *   sqlite:PATH                             embedded, one file; made when it is not there
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

/** A driver is loaded when a database needs it: each takes a part of a second. */
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
    'DATABASE_URL is not a database that is known here: ' +
      'give postgres://USER@HOST/DATABASE or sqlite:PATH',
  )
}
