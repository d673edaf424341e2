/**
 * One of several processes that start together: `node migrate-process.mjs URL MOMENT [hang]`. It runs what
 * production runs, compiled, and waits for that moment with everything loaded. With `hang`, it stays in
 * the middle of its migration.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { compiled } from '../../scripts/build/compiled.mjs'

const [, , url, startAt, hang] = process.argv
const load = async (module) =>
  import(pathToFileURL(join(await compiled(), 'subgraphs/storage', module)))
const { openMigrated } = await load('open-migrated.js')

await new Promise((resolve) => setTimeout(resolve, Number(startAt) - Date.now()))
console.log('migrating')
const database = await openMigrated(url, 'racing', {
  '001 counters': {
    async up(db) {
      await db.schema.createTable('racing_counters').addColumn('value', 'bigint').execute()
      await sql`insert into racing_counters (value) values (1)`.execute(db)
    },
  },
  '002 more': {
    async up(db) {
      await sql`update racing_counters set value = value + 1`.execute(db)
      if (hang !== undefined) await inTheMiddle()
    },
  },
})
await database.destroy()

/** Never returns. */
function inTheMiddle() {
  console.log('in the middle')
  return new Promise((resolve) => setTimeout(resolve, 2 ** 30))
}
