import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import type { RunningProcess } from '../kit/process/run-process.ts'
import type { Environment } from '../kit/process/settings.ts'
import { serveSubgraph } from '../kit/serve-subgraph.ts'
import { accessTokenIssuer } from './access-token.ts'
import { accountStore } from './accounts.ts'
import { openAuthDatabase } from './database.ts'
import { addDevelopmentAccount } from './development-account.ts'
import { jwksPath, jwksRoute } from './jwks-route.ts'
import { keyEncryption } from './key-encryption.ts'
import { login } from './login.ts'
import { preparePasswords } from './passwords.ts'
import { resolvers } from './resolvers.ts'
import { sessionStore } from './sessions.ts'
import { readAuthSettings } from './settings.ts'
import { openSigningKeys } from './signing-keys.ts'

const typeDefs = parse(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))

/** How long a session lasts, in milliseconds: 30 days. */
const sessionLifetime = 30 * 24 * 60 * 60 * 1000

/** Starts the auth subgraph and returns once it accepts connections. */
export async function startAuth(environment: Environment): Promise<RunningProcess> {
  const settings = readAuthSettings(environment)
  const now = Date.now
  const database = await openAuthDatabase(settings.databaseUrl)
  const keys = await openSigningKeys({
    database,
    encryption: keyEncryption(settings.keyEncryptionSecret),
    now,
  })
  const accounts = accountStore(database, now)
  const sessions = sessionStore(database, sessionLifetime, now)
  if (!settings.production) await addDevelopmentAccount(accounts)
  await preparePasswords()

  const tokenOptions = { ...settings, lifetime: settings.accessTokenLifetime }
  const issueAccessToken = accessTokenIssuer(keys, tokenOptions, now)
  return serveSubgraph({
    name: 'auth',
    typeDefs,
    resolvers: resolvers({ login: login({ accounts, sessions, issueAccessToken }), sessions }),
    keys: settings.claimsKeys,
    host: settings.host,
    port: settings.port,
    portSetting: 'AUTH_PORT',
    ready: () => keys.published(),
    routes: (app) => void app.get(jwksPath, jwksRoute(keys)),
    onClose: () => database.destroy(),
  })
}
