/**
 * One of several processes that start together: `node migrate-process.mjs URL MOMENT`. It runs what
 * production runs, compiled, and waits for that moment with everything loaded.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { compiled } from '../../scripts/build/compiled.mjs'

const [, , url, startAt] = process.argv
const load = (module) => import(pathToFileURL(join(compiled(), 'subgraphs/storage', module)))
const { openDatabase } = await load('open-database.js')
const { migrate } = await load('migrate.js')

await new Promise((resolve) => setTimeout(resolve, Number(startAt) - Date.now()))
const database = await openDatabase(url)
await migrate(database, 'racing', {
  '001 counters': {
    async up(db) {
      await db.schema.createTable('racing_counters').addColumn('value', 'bigint').execute()
      await sql`insert into racing_counters (value) values (1)`.execute(db)
    },
  },
})
await database.destroy()
