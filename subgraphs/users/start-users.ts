import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import { sql } from 'kysely'
import { processLog } from '../kit/process/log.ts'
import type { RunningProcess } from '../kit/process/run-process.ts'
import type { Environment } from '../kit/process/settings.ts'
import { serveSubgraph } from '../kit/serve-subgraph.ts'
import type { SubgraphLog } from '../kit/subgraph-log.ts'
import { isDatabaseUnavailable } from '../storage/database-unavailable.ts'
import { waitForDatabase } from '../storage/wait-for-database.ts'
import { openUsersDatabase } from './database.ts'
import { profileStore } from './profiles.ts'
import { resolvers } from './resolvers.ts'
import { readUsersSettings } from './settings.ts'

const typeDefs = parse(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))

/** Starts the users subgraph and returns once it accepts connections. */
export async function startUsers(
  environment: Environment,
  surroundings: { log?: SubgraphLog } = {},
): Promise<RunningProcess> {
  const settings = readUsersSettings(environment)
  const { log = processLog('users', settings.logLevel) } = surroundings
  const database = await waitForDatabase(() => openUsersDatabase(settings.databaseUrl), {
    report: (sentence) => log.warn({}, sentence),
  })
  return serveSubgraph({
    name: 'users',
    log,
    typeDefs,
    resolvers: resolvers(profileStore(database, Date.now)),
    keys: settings.claimsKeys,
    host: settings.host,
    port: settings.port,
    portSetting: 'USERS_PORT',
    drain: settings.drain,
    ready: () => sql`select 1`.execute(database),
    isUnavailable: isDatabaseUnavailable,
    onClose: () => database.destroy(),
  })
}
