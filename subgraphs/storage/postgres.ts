/** PostgreSQL, for several processes and machines, through pg. */
import { PostgresDialect } from 'kysely'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import { DatabaseUnavailable, reportUnavailable } from './database-unavailable.ts'
import { storable } from './storable.ts'

/** How long to wait for a connection, in milliseconds. */
const connectionTimeout = 5_000

/**
 * How long a statement may take, in milliseconds. Otherwise a server that disappeared silently, as in a
 * failover, is not noticed for a quarter of an hour.
 */
const longestStatement = 30_000

/** The type of 64-bit integers: ours are milliseconds and counters, exact as JavaScript numbers. */
const int8 = 20

/** Returns the dialect for one server, and the messages for when it cannot be reached. */
export function postgresDialect(url: string, statementLimit = longestStatement) {
  const open = async () => {
    const pool = new pg.Pool({
      connectionString: url,
      connectionTimeoutMillis: connectionTimeout,
      types: { getTypeParser },
    })
    // A broken connection is replaced at the next query. Its `error` event, which an idle connection
    // passes to the pool and one in use does not, would end the process without a listener.
    pool.on('error', () => {})
    pool.on('connect', (client) => client.on('error', () => {}))
    return reportingPool(pool, statementLimit)
  }
  return {
    dialect: new PostgresDialect({ pool: open }),
    describe: (cause: unknown) => describe(url, cause),
  }
}

const getTypeParser: typeof pg.types.getTypeParser = (type: number, format?: unknown) =>
  type === int8 ? Number : pg.types.getTypeParser(type, format as 'text')

/** Returns the pool for Kysely: errors say whether the server is unavailable, and statements have a time limit. */
function reportingPool(pool: pg.Pool, statementLimit: number): PostgresPool {
  return {
    async connect() {
      const client = await reportUnavailable(
        () => pool.connect(),
        () => true,
      )
      const query = (sql: string, parameters: readonly unknown[]) =>
        reportUnavailable(
          () => withinLimit(client, client.query(sql, parameters.map(storable)), statementLimit),
          isUnavailable,
        )
      return {
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy),
      }
    },
    end: () => pool.end(),
  }
}

/** Returns the result; after the time limit the connection is closed, so that the statement fails. */
async function withinLimit<Result>(
  client: pg.PoolClient,
  result: Promise<Result>,
  limit: number,
): Promise<Result> {
  if (limit === Infinity) return result
  const timer = setTimeout(() => void (client as pg.PoolClient & pg.Client).end(), limit)
  try {
    return await result
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The SQLSTATE classes and codes of a server that cannot work now (PostgreSQL, appendix A): connection
 * lost, login or database refused, a primary that became a standby, serialization and deadlock, out
 * of resources, shut down or cancelled by an operator, system error.
 */
const unavailableStates = /^(08|28|3D|53|57|58)|^(25006|40001|40P01|55P03)$/

const networkErrors = /^(E[A-Z]+|EAI_[A-Z]+)$/

/** Messages of pg and its pool that have no code. */
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|Client (was closed|has encountered)|Query read timeout|Cannot use a pool after|Postgres connection has been discarded)/

function isUnavailable(cause: unknown): boolean {
  const { code, message } = cause as { code?: unknown; message?: unknown }
  if (typeof code !== 'string') return connectionMessages.test(String(message))
  return code.length === 5 && /\d/.test(code)
    ? unavailableStates.test(code)
    : networkErrors.test(code)
}

function describe(url: string, cause: unknown): string {
  const name = withoutCredentials(url)
  const { code } = rootOf(cause) as { code?: unknown }
  const refusedLogin = `the database ${name} refuses the user or the password: correct them in DATABASE_URL`
  const reasons: Record<string, string> = {
    '28P01': refusedLogin,
    '28000': refusedLogin,
    '3D000': `the database ${name} does not exist: create it, or correct DATABASE_URL`,
    '53300': `the database ${name} has no connection left: raise its max_connections, or close some connections`,
    ERR_INVALID_URL:
      'DATABASE_URL is not a valid URL: in the user and the password, write characters such as / # ? @ as %2F %23 %3F %40',
    ENOTFOUND: `the host of the database ${name} is not known: correct DATABASE_URL`,
    ECONNREFUSED: `the database ${name} refused the connection: start PostgreSQL, or correct DATABASE_URL`,
  }
  return (
    reasons[String(code)] ??
    `the database ${name} cannot be reached (${code ?? 'no response in time'}): start PostgreSQL, or correct DATABASE_URL`
  )
}

/** An error of the driver. */
function rootOf(cause: unknown): unknown {
  return cause instanceof DatabaseUnavailable ? cause.cause : cause
}

/** Returns the name of a database for messages, without user, password and parameters. */
function withoutCredentials(url: string): string {
  try {
    const { host, pathname } = new URL(url)
    return `postgres://${host}${pathname}`
  } catch {
    return 'in DATABASE_URL'
  }
}
