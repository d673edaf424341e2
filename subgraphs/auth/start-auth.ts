import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import type { RunningProcess } from '../kit/process/run-process.ts'
import type { Environment } from '../kit/process/settings.ts'
import { serveSubgraph } from '../kit/serve-subgraph.ts'
import { accountStore } from './accounts/accounts.ts'
import { addDevelopmentAccount } from './accounts/development-account.ts'
import { auditTrail } from './audit/audit-trail.ts'
import { openAuthDatabase } from './database.ts'
import { preparePasswords } from './passwords/hashing.ts'
import { resolvers } from './resolvers.ts'
import { cutOffStore } from './revocation/cut-offs.ts'
import { addRevocationRoutes } from './revocation/routes.ts'
import { sessionEnder } from './sessions/end-sessions.ts'
import { login } from './sessions/login.ts'
import { refresh } from './sessions/refresh.ts'
import { refreshTokenStore } from './sessions/refresh-tokens.ts'
import { sessionStore } from './sessions/sessions.ts'
import { sessionStarter } from './sessions/start-session.ts'
import { readAuthSettings } from './settings.ts'
import { accessTokenIssuer } from './tokens/access-token.ts'
import { jwksPath, jwksRoute } from './tokens/jwks-route.ts'
import { keyEncryption } from './tokens/key-encryption.ts'
import { openSigningKeys } from './tokens/signing-keys.ts'

const typeDefs = parse(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))

/** Starts the auth subgraph and returns once it accepts connections. */
export async function startAuth(
  environment: Environment,
  now: () => number = Date.now,
): Promise<RunningProcess> {
  const settings = readAuthSettings(environment)
  const { issuer, audience, lifetimes } = settings
  // Known once the system has chosen a port, and needed only then.
  let listeningAt = ''
  const baseUrl = () => settings.statusUrl ?? listeningAt

  const database = await openAuthDatabase(settings.databaseUrl)
  const encryption = keyEncryption(settings.keyEncryptionSecret)
  const keys = await openSigningKeys({ database, encryption, now })
  const accounts = accountStore(database, now)
  if (!settings.production) await addDevelopmentAccount(accounts)
  await preparePasswords()

  const audit = auditTrail(database, settings.keyEncryptionSecret, now)
  const cutOffs = cutOffStore(database, lifetimes.accessToken, now)
  const sessions = sessionStore(database, lifetimes, now)
  const refreshTokens = refreshTokenStore({ database, audit, lifetimes, now })
  const tokenOptions = { issuer, audience, lifetime: lifetimes.accessToken, baseUrl }
  const issueAccessToken = accessTokenIssuer(keys, tokenOptions, now)
  const startSession = sessionStarter({
    database,
    sessions,
    refreshTokens,
    audit,
    issueAccessToken,
  })

  const running = await serveSubgraph({
    name: 'auth',
    typeDefs,
    resolvers: resolvers({
      login: login({ accounts, audit, startSession }),
      refresh: refresh(refreshTokens, issueAccessToken),
      sessions,
      sessionEnder: sessionEnder({ database, sessions, cutOffs, audit }),
    }),
    keys: settings.claimsKeys,
    host: settings.host,
    port: settings.port,
    portSetting: 'AUTH_PORT',
    ready: () => keys.published(),
    routes(app) {
      app.get(jwksPath, jwksRoute(keys))
      addRevocationRoutes(app, { database, keys, cutOffs, issuer, baseUrl, now })
    },
    onClose: () => database.destroy(),
  })
  listeningAt = new URL(running.url).origin
  return running
}
