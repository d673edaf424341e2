import { claimsKeys } from '../kit/process/claims-keys.ts'
import { drainSettings } from '../kit/process/drain-settings.ts'
import { logLevel } from '../kit/process/log.ts'
import { productCommand } from '../kit/process/product-command.ts'
import { readSettings } from '../kit/process/settings.ts'
import type { Environment } from '../kit/process/settings.ts'
import { databaseUrl } from '../storage/database-url.ts'

export const help = `
The users subgraph: userData, and User as an entity.

Usage: ${productCommand('users')}

Settings, from the environment:
  HOST                   the address to listen on (127.0.0.1)
  USERS_PORT             the port to listen on (4002; 0 lets the system choose)
  DATABASE_URL           postgres://USER@HOST/DATABASE or sqlite:PATH (sqlite:DATA_DIR/users.db)
  DATA_DIR               the folder of the embedded database and the development secrets (.data)
  CLAIMS_KEY             verifies the gateway's claims header; two separated by a comma during a
                         rotation, newest first
  DRAIN_ANNOUNCE         how long connections are still accepted after SIGTERM, while /ready says 503,
                         in seconds (5 in production, else 0)
  DRAIN_FINISH           how long the requests in progress may take after that, in seconds (25)
  LOG_LEVEL              a level of pino (info)
  NODE_ENV=production    nothing is invented: the key and the place of the data must be set

CLAIMS_KEY_FILE and DATABASE_URL_FILE name files that contain the value.
`

export type UsersSettings = ReturnType<typeof readUsersSettings>

/** Returns the settings; throws a StartFailure that lists all problems. */
export function readUsersSettings(environment: Environment) {
  const settings = readSettings(environment)
  const read = {
    logLevel: logLevel(settings),
    host: settings.text('HOST', '127.0.0.1'),
    port: settings.port('USERS_PORT', 4002),
    databaseUrl: databaseUrl(settings, 'users.db'),
    claimsKeys: claimsKeys(settings, 'users'),
    drain: drainSettings(settings),
  }
  settings.refuseProblems()
  return read
}
