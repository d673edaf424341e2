import type { Kysely } from 'kysely'
import { migrate } from './migrate.ts'
import type { Migrations } from './migrate.ts'
import { openDatabase } from './open-database.ts'

/** Returns an open database with the tables of an owner up to date; throws a DatabaseFailure if it cannot. */
export async function openMigrated<Tables>(
  url: string,
  owner: string,
  migrations: Migrations,
): Promise<Kysely<Tables>> {
  // A migration of a large table may take any time, and other processes wait for it.
  const patient = await openDatabase<Tables>(url, { statementLimit: Infinity })
  try {
    await migrate(patient, owner, migrations)
  } finally {
    await patient.destroy()
  }
  return openDatabase<Tables>(url)
}
