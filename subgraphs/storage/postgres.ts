/** PostgreSQL, for several processes and machines, through pg. */
import { PostgresDialect } from 'kysely'
import pg from 'pg'

/** How long to wait for a connection, in milliseconds. */
const connectionTimeout = 5_000

/** The type of 64-bit integers: ours are milliseconds and counters, exact as JavaScript numbers. */
const int8 = 20

/** Returns the dialect for one server, and what to say when it cannot be reached. */
export function postgresDialect(url: string) {
  const open = async () => {
    const pool = new pg.Pool({
      connectionString: url,
      connectionTimeoutMillis: connectionTimeout,
      types: { getTypeParser },
    })
    // An idle connection that breaks is replaced at the next query; unheard, it ends the process.
    pool.on('error', () => {})
    return pool
  }
  return {
    dialect: new PostgresDialect({ pool: open }),
    describe: (cause: unknown) => describe(url, cause),
  }
}

const getTypeParser: typeof pg.types.getTypeParser = (type: number, format?: unknown) =>
  type === int8 ? Number : pg.types.getTypeParser(type, format as 'text')

function describe(url: string, cause: unknown): string {
  const name = withoutCredentials(url)
  const { code } = cause as { code?: unknown }
  const refusedLogin = `the database ${name} refuses the user or the password: correct them in DATABASE_URL`
  const reasons: Record<string, string> = {
    '28P01': refusedLogin,
    '28000': refusedLogin,
    '3D000': `the database ${name} does not exist: create it, or correct DATABASE_URL`,
    '53300': `the database ${name} has no connection left: raise its max_connections, or stop what uses it`,
    ENOTFOUND: `the host of the database ${name} is not known: correct DATABASE_URL`,
    ECONNREFUSED: `nothing answers at the database ${name}: start PostgreSQL, or correct DATABASE_URL`,
  }
  return (
    reasons[String(code)] ??
    `the database ${name} cannot be reached (${code ?? 'no answer in time'}): start PostgreSQL, or correct DATABASE_URL`
  )
}

/** What a person needs to recognise the database; user, password and parameters are left out. */
function withoutCredentials(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `postgres://${host}${pathname}`
  } catch {
    return 'in DATABASE_URL'
  }
}
