import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parse } from 'graphql'
import type { RunningProcess } from '../kit/process/run-process.ts'
import type { Environment } from '../kit/process/settings.ts'
import { serveSubgraph } from '../kit/serve-subgraph.ts'
import { accountStore } from './accounts/accounts.ts'
import { changePassword } from './accounts/change-password.ts'
import { addDevelopmentAccount } from './accounts/development-account.ts'
import { passwordReset } from './accounts/reset-password.ts'
import { signUp } from './accounts/sign-up.ts'
import { administration } from './administration/administration.ts'
import { auditTrail } from './audit/audit-trail.ts'
import { auditReader } from './audit/read-audit.ts'
import { openAuthDatabase } from './database.ts'
import { delivery } from './delivery/deliver.ts'
import type { Deliver } from './delivery/deliver.ts'
import { housekeeping } from './housekeeping.ts'
import { apiKeyStore } from './machines/api-keys.ts'
import { clientStore } from './machines/clients.ts'
import { addOAuthRoutes } from './oauth/routes.ts'
import { hashingQueue } from './passwords/hashing-queue.ts'
import { passwordHasher } from './passwords/hashing.ts'
import type { HashParameters } from './passwords/hashing.ts'
import { accountResolvers } from './resolvers/account-resolvers.ts'
import { administrationResolvers } from './resolvers/administration-resolvers.ts'
import { machineResolvers } from './resolvers/machine-resolvers.ts'
import { passkeyResolvers } from './resolvers/passkey-resolvers.ts'
import { secondFactorResolvers } from './resolvers/second-factor-resolvers.ts'
import { sessionResolvers } from './resolvers/session-resolvers.ts'
import { cutOffStore } from './revocation/cut-offs.ts'
import { addRevocationRoutes } from './revocation/routes.ts'
import { oneTimeCodeStore } from './second-factors/one-time-codes.ts'
import { passkeyStore } from './second-factors/passkeys.ts'
import { callersSession } from './sessions/callers-session.ts'
import { sessionEnder } from './sessions/end-sessions.ts'
import { login } from './sessions/login.ts'
import { refresh } from './sessions/refresh.ts'
import { knownDeviceStore } from './sessions/known-devices.ts'
import { refreshTokenStore } from './sessions/refresh-tokens.ts'
import { sessionStore } from './sessions/sessions.ts'
import { sessionStarter } from './sessions/start-session.ts'
import { readAuthSettings } from './settings.ts'
import { loginGuard } from './throttling/login-guard.ts'
import { oneCredentialField } from './throttling/one-credential-field.ts'
import { throttleStore } from './throttling/throttles.ts'
import { accessTokenIssuer, accessTokenSigner } from './tokens/access-token.ts'
import { jwksPath, jwksRoute } from './tokens/jwks-route.ts'
import { keyEncryption } from './tokens/key-encryption.ts'
import { keyLifecycle } from './tokens/key-lifecycle.ts'
import { openSigningKeys } from './tokens/signing-keys.ts'
import { ownTokenVerifier } from './tokens/verify-own-token.ts'

const typeDefs = parse(readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'))

/** How many password hashes may wait for their turn. */
const waitingHashes = 64

export interface AuthSurroundings {
  /** The clock, in milliseconds since the epoch. */
  now?: () => number
  /** How mail is sent; by MAIL_URL when it is not given. */
  deliver?: Deliver
  /** What hashing a password costs; a test that is not about hashing makes it cheap. */
  hashParameters?: HashParameters
}

/** Starts the auth subgraph and returns once it accepts connections. */
export async function startAuth(
  environment: Environment,
  surroundings: AuthSurroundings = {},
): Promise<RunningProcess> {
  const settings = readAuthSettings(environment)
  const { issuer, audience, lifetimes, passwordRules: rules } = settings
  const { now = Date.now, deliver = delivery(settings.delivery) } = surroundings
  // Known once the system has chosen a port, and needed only then.
  let listeningAt = ''
  const baseUrl = () => settings.statusUrl ?? listeningAt

  const database = await openAuthDatabase(settings.databaseUrl)
  const encryption = keyEncryption(settings.keyEncryptionSecret)
  const lifecycle = keyLifecycle({ database, encryption, ...settings.keys, now })
  const keys = await openSigningKeys(lifecycle, encryption)
  const accounts = accountStore(database, settings.roles, now)
  const passwords = await passwordHasher(
    hashingQueue({ parallel: parallelHashes(environment), waiting: waitingHashes }),
    surroundings.hashParameters,
  )
  if (!settings.production) await addDevelopmentAccount(accounts, passwords)

  const audit = auditTrail(database, settings.keyEncryptionSecret, now)
  const cutOffs = cutOffStore(database, lifetimes.accessToken, now)
  const sessions = sessionStore(database, lifetimes, now)
  const devices = knownDeviceStore(database, now)
  const throttles = throttleStore(now)
  const guard = loginGuard({
    database,
    throttles,
    devices,
    secret: settings.keyEncryptionSecret,
  })
  const refreshTokens = refreshTokenStore({ database, accounts, audit, lifetimes, now })
  const tokenOptions = { issuer, audience, lifetime: lifetimes.accessToken, baseUrl }
  const codes = oneTimeCodeStore({
    database,
    encryption,
    secret: settings.keyEncryptionSecret,
    now,
  })
  const signAccessToken = accessTokenSigner(keys, tokenOptions, now)
  const issueAccessToken = accessTokenIssuer(signAccessToken)
  const verifyOwnToken = ownTokenVerifier({ database, keys, issuer, audience, now })
  const clients = clientStore(database, now)
  const apiKeys = apiKeyStore(database, lifetimes.accessToken, now)
  const ending = sessionEnder({ database, sessions, cutOffs, audit })
  const startSession = sessionStarter({
    database,
    sessions,
    devices,
    refreshTokens,
    audit,
    issueAccessToken,
  })
  const changing = { database, accounts, sessions, passwords, rules, audit, guard, throttles }
  const resets = passwordReset({
    ...changing,
    cutOffs,
    deliver,
    resetUrl: settings.passwordResetUrl,
    now,
  })

  const ofSessions = sessionResolvers({
    login: login({ database, accounts, passwords, guard, audit, startSession, codes }),
    refresh: refresh(refreshTokens, issueAccessToken),
    sessions,
    callersSession: callersSession(sessions),
    sessionEnder: ending,
  })
  const ofAccounts = accountResolvers({
    accounts,
    callersSession: callersSession(sessions),
    signUp: signUp(changing),
    changePassword: changePassword(changing),
    passwordReset: resets,
  })

  const ofAdministration = administrationResolvers({
    administration: administration({ ...changing, cutOffs, roles: settings.roles, now }),
    readAudit: auditReader(database),
  })

  const ofSecondFactors = secondFactorResolvers({
    database,
    accounts,
    codes,
    throttles,
    callersSession: callersSession(sessions),
    audit,
    applicationName: audience,
  })
  const ofPasskeys = passkeyResolvers({
    database,
    accounts,
    passkeys:
      settings.relyingParty &&
      passkeyStore({
        database,
        relyingParty: settings.relyingParty,
        secret: settings.keyEncryptionSecret,
        now,
      }),
    callersSession: callersSession(sessions),
    guard,
    startSession,
    audit,
  })
  const ofMachines = machineResolvers({
    database,
    accounts,
    apiKeys,
    clients,
    callersSession: callersSession(sessions),
    cutOffs,
    audit,
  })

  const running = await serveSubgraph({
    name: 'auth',
    typeDefs,
    resolvers: {
      Query: {
        ...ofSessions.Query,
        ...ofAccounts.Query,
        ...ofAdministration.Query,
        ...ofMachines.Query,
        ...ofPasskeys.Query,
      },
      Mutation: {
        ...ofSessions.Mutation,
        ...ofAccounts.Mutation,
        ...ofAdministration.Mutation,
        ...ofMachines.Mutation,
        ...ofSecondFactors.Mutation,
        ...ofPasskeys.Mutation,
      },
    },
    validationRules: [oneCredentialField],
    keys: settings.claimsKeys,
    host: settings.host,
    port: settings.port,
    portSetting: 'AUTH_PORT',
    ready: () => keys.published(),
    routes(app) {
      app.get(jwksPath, jwksRoute(keys))
      addRevocationRoutes(app, { database, keys, cutOffs, issuer, baseUrl, now })
      addOAuthRoutes(app, {
        database,
        accounts,
        clients,
        apiKeys,
        refreshTokens,
        sessionEnder: ending,
        audit,
        signAccessToken,
        issueAccessToken,
        verifyOwnToken,
        issuer,
        baseUrl,
        algorithm: settings.keys.algorithm,
        now,
      })
    },
    async onClose() {
      tidying.stop()
      await resets.settled()
      await database.destroy()
    },
  })
  const tidying = housekeeping(database, lifecycle, now)
  listeningAt = new URL(running.url).origin
  return running
}

/**
 * As many hashes at once as there are cores, and one less than Node has threads for such work:
 * signatures, files and names of hosts are waiting for the same threads.
 */
function parallelHashes(environment: Environment): number {
  const threads = Number(environment.UV_THREADPOOL_SIZE) || 4
  return Math.max(1, Math.min(availableParallelism(), threads - 1))
}
