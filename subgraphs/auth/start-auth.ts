import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import { addGetRoute } from '../kit/get-route.ts'
import type { RunningProcess } from '../kit/process/run-process.ts'
import type { Environment } from '../kit/process/settings.ts'
import { serveSubgraph } from '../kit/serve-subgraph.ts'
import { isDatabaseUnavailable } from '../storage/database-unavailable.ts'
import { addDevelopmentAccount } from './accounts/development-account.ts'
import { makeAuthParts } from './auth-parts.ts'
import type { AuthSurroundings } from './auth-parts.ts'
import { startCleanup } from './cleanup.ts'
import { addOAuthRoutes } from './oauth/routes.ts'
import { resolvers } from './resolvers/resolvers.ts'
import { sessionEventSource } from './resolvers/session-event-source.ts'
import { addRevocationRoutes } from './revocation/routes.ts'
import { readAuthSettings } from './settings.ts'
import { boundedOperation } from './throttling/bounded-operation.ts'
import { oneCredentialField } from './throttling/one-credential-field.ts'
import { jwksPath, jwksRoute } from './tokens/jwks-route.ts'

const typeDefs = parse(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))

/** Starts the auth subgraph and returns once it accepts connections. */
export async function startAuth(
  environment: Environment,
  surroundings: AuthSurroundings = {},
): Promise<RunningProcess> {
  const settings = readAuthSettings(environment)
  // Known, and needed, only once the system has chosen a port.
  let listeningAt = ''
  const baseUrl = () => settings.statusUrl ?? listeningAt
  const parts = await makeAuthParts(settings, surroundings, baseUrl)
  if (!settings.production) await addDevelopmentAccount(parts.accounts, parts.passwords)
  const cleanup = startCleanup(parts)

  const running = await serveSubgraph({
    name: 'auth',
    log: parts.log,
    typeDefs,
    resolvers: resolvers(parts),
    subscriptions: {
      sessionEvents: sessionEventSource(parts.callersSession, parts.sessionEvents),
    },
    validationRules: [oneCredentialField, boundedOperation],
    bodyLimit: 256 * 1024,
    keys: settings.claimsKeys,
    host: settings.host,
    port: settings.port,
    portSetting: 'AUTH_PORT',
    drain: settings.drain,
    ready: () => parts.keys.published(),
    isUnavailable: isDatabaseUnavailable,
    routes(app) {
      addGetRoute(app, jwksPath, jwksRoute(parts.keys))
      addRevocationRoutes(app, parts)
      addOAuthRoutes(app, parts)
    },
    async onClose() {
      cleanup.stop()
      await parts.sessionEvents.close()
      await parts.passwordReset.settled()
      await parts.strength.close()
      await parts.database.destroy()
    },
  })
  listeningAt = new URL(running.url).origin
  return running
}
