import { Migrator } from 'kysely'
import type { Kysely, Migration } from 'kysely'
import { DatabaseFailure } from './database-failure.ts'

/** Migrations by name, run in the order of their names: `001 accounts`, `002 sessions`. */
export type Migrations = Readonly<Record<string, Migration>>

/**
 * Brings the tables up to date, in one transaction. Processes that start together wait for each other:
 * on PostgreSQL by an advisory lock, on SQLite by the transaction's write lock.
 *
 * @param owner of the tables, as in `auth`: the record of its migrations is `auth_migrations`, so
 *   that several owners can share one database
 */
export async function migrate(
  database: Kysely<any>,
  owner: string,
  migrations: Migrations,
): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: `${owner}_migrations`,
    migrationLockTableName: `${owner}_migrations_lock`,
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  throw new DatabaseFailure(
    `the tables of ${owner} cannot be brought up to date (${(error as Error).message}): ` +
      'the database is from another version, corrupt, or not writable',
    { cause: error },
  )
}
