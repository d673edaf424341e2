/** One of several processes that start together: opens the database of its argument and migrates. */
import { sql } from 'kysely'
import { migrate } from '../../subgraphs/storage/migrate.ts'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'

const [url = '', startAt = '0'] = process.argv.slice(2)
await new Promise((resolve) => setTimeout(resolve, Number(startAt) - Date.now()))

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
