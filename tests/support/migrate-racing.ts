import { sql } from 'kysely'
import { migrate } from '../../subgraphs/storage/migrate.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'

/** Opens a database and migrates it, as one of several that do so at the same time. */
export async function migrateRacing(url: string): Promise<void> {
  const database = await openDatabase<any>(url)
  await migrate(database, 'racing', {
    '001 counters': {
      async up(db) {
        await db.schema.createTable('racing_counters').addColumn('value', 'bigint').execute()
        await sql`insert into racing_counters (value) values (1)`.execute(db)
      },
    },
  })
  await database.destroy()
}
