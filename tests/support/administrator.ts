import { sql } from 'kysely'
import { openDatabase } from '../../subgraphs/storage/open-database.ts'
import type { Ask } from './ask-subgraph.ts'
import { loggedIn, signedUp } from './auth-client.ts'

/** Makes an administrator, as `npm run admin` does, and logs them in. */
export async function administrator(ask: Ask, databaseUrl: string, username = 'root') {
  const credentials = await signedUp(ask, username, 'purple kangaroo sings')
  const database = await openDatabase<any>(databaseUrl)
  await sql`update auth_accounts set roles = 'user administrator' where username = ${username}`.execute(
    database,
  )
  await database.destroy()
  return { ...(await loggedIn(ask, credentials)), credentials }
}
