/** The tables of the users subgraph. */
import type { Kysely } from 'kysely'
import { StartFailure } from '../kit/process/start-failure.ts'
import { DatabaseFailure } from '../storage/database-failure.ts'
import type { Migrations } from '../storage/migrate.ts'
import { openMigrated } from '../storage/open-migrated.ts'

export interface ProfilesTable {
  /** The subject of the access tokens. */
  id: string
  name: string | null
  /** Milliseconds since the epoch. */
  created_at: number
}

export interface UsersTables {
  users_profiles: ProfilesTable
}

export type UsersDatabase = Kysely<UsersTables>

/** A released migration is never changed: add another. */
const migrations: Migrations = {
  '001 profiles': {
    async up(database) {
      await database.schema
        .createTable('users_profiles')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('name', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
}

/** Returns the database with its tables up to date; throws a StartFailure with the reason if it cannot. */
export async function openUsersDatabase(url: string): Promise<UsersDatabase> {
  try {
    return await openMigrated<UsersTables>(url, 'users', migrations)
  } catch (cause) {
    if (cause instanceof DatabaseFailure) throw new StartFailure(cause.message, { cause })
    throw cause
  }
}
