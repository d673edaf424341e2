/** The parts of the auth subgraph, created once at startup. */
import { processLog } from '../kit/process/log.ts'
import type { SubgraphLog } from '../kit/subgraph-log.ts'
import { accountStore } from './accounts/accounts.ts'
import { changePassword } from './accounts/change-password.ts'
import { passwordReset } from './accounts/reset-password.ts'
import { signUp } from './accounts/sign-up.ts'
import { administration } from './administration/administration.ts'
import { administrators } from './administration/administrators.ts'
import { auditTrail } from './audit/audit-trail.ts'
import { auditReader } from './audit/read-audit.ts'
import { waitForDatabase } from '../storage/wait-for-database.ts'
import { openAuthDatabase } from './database.ts'
import type { AuthDatabase } from './database.ts'
import { delivery } from './delivery/deliver.ts'
import type { Deliver } from './delivery/deliver.ts'
import { apiKeyStore } from './machines/api-keys.ts'
import { clientStore } from './machines/clients.ts'
import { loadShedder } from './passwords/load-shedding.ts'
import { hashingQueue } from './passwords/hashing-queue.ts'
import { passwordHasher } from './passwords/hashing.ts'
import type { HashParameters } from './passwords/hashing.ts'
import { strengthEstimator } from './passwords/password-strength.ts'
import { notBeforeStore } from './revocation/not-before.ts'
import { oneTimeCodeStore } from './second-factors/one-time-codes.ts'
import { passkeyStore } from './second-factors/passkeys.ts'
import { callersSession } from './sessions/callers-session.ts'
import { sessionEnder } from './sessions/end-sessions.ts'
import { sessionEvents } from './sessions/session-events.ts'
import { handOutTokens } from './sessions/hand-out-tokens.ts'
import { knownDeviceStore } from './sessions/known-devices.ts'
import { login } from './sessions/login.ts'
import { refresh } from './sessions/refresh.ts'
import { refreshTokenStore } from './sessions/refresh-tokens.ts'
import { sessionCookies } from './sessions/session-cookies.ts'
import { sessionScopes } from './sessions/session-scopes.ts'
import { sessionStore } from './sessions/sessions.ts'
import { sessionStarter } from './sessions/start-session.ts'
import type { AuthSettings } from './settings.ts'
import { loginGuard } from './throttling/login-guard.ts'
import { throttleStore } from './throttling/throttles.ts'
import { accessTokenIssuer, accessTokenSigner } from './tokens/access-token.ts'
import { keyEncryption } from './tokens/key-encryption.ts'
import { keyLifecycle } from './tokens/key-lifecycle.ts'
import { openSigningKeys } from './tokens/signing-keys.ts'
import { ownTokenVerifier } from './tokens/verify-own-token.ts'

export interface AuthSurroundings {
  /** The clock, in milliseconds since the epoch. */
  now?: () => number
  /** How mail is sent; default: by MAIL_URL. */
  deliver?: Deliver
  /** The cost of hashing a password; tests that are not about hashing lower it. */
  hashParameters?: HashParameters
  /** Default: JSON on standard error. */
  log?: SubgraphLog
}

export type AuthParts = Awaited<ReturnType<typeof makeAuthParts>>

/** How many password hashes may wait in the queue. */
const waitingHashes = 64

/** @param baseUrl where gateways reach the subgraph; known, and needed, only once it listens */
export async function makeAuthParts(
  settings: AuthSettings,
  surroundings: AuthSurroundings,
  baseUrl: () => string,
) {
  const stores = await openStores(settings, surroundings)
  return { ...stores, ...makeServices(settings, stores, surroundings, baseUrl), baseUrl }
}

type Stores = Awaited<ReturnType<typeof openStores>>

/** Opens the database and creates what reads and writes it. */
async function openStores(settings: AuthSettings, surroundings: AuthSurroundings) {
  const { lifetimes, roles, keyEncryptionSecrets: secrets } = settings
  const [secret] = secrets
  const { now = Date.now, log = processLog('auth', settings.logLevel) } = surroundings
  const database = await waitForDatabase(() => openAuthDatabase(settings.databaseUrl), {
    report: (sentence) => log.warn({}, sentence),
  })
  const encryption = keyEncryption(secrets)
  const lifecycle = keyLifecycle({ database, encryption, ...settings.keys, now })
  const keys = await openSigningKeys(lifecycle, encryption)
  const accounts = accountStore(database, roles, now)
  const audit = auditTrail(database, secret, now)
  const devices = knownDeviceStore(database, now)
  const throttles = throttleStore(now)
  return {
    now,
    log,
    database,
    lifecycle,
    keys,
    accounts,
    audit,
    devices,
    throttles,
    readAudit: auditReader(database),
    guard: loginGuard({ database, throttles, devices, secret, limits: settings.limits }),
    notBefore: notBeforeStore(database, lifetimes.accessToken, now),
    sessions: sessionStore(database, lifetimes, now),
    sessionEvents: sessionEvents({ database, lifetimes, now, log }),
    refreshTokens: refreshTokenStore({ database, accounts, audit, lifetimes, now }),
    codes: oneTimeCodeStore({ database, encryption, formerSecrets: secrets, now }),
    passkeys: passkeysOf(settings, database, now),
    clients: clientStore(database, now),
    apiKeys: apiKeyStore(database, lifetimes.accessToken, now),
    strength: strengthEstimator(),
    passwords: await passwordHasher(
      hashingQueue({ parallel: settings.parallelHashes, waiting: waitingHashes }),
      surroundings.hashParameters,
    ),
  }
}

function passkeysOf({ relyingParty }: AuthSettings, database: AuthDatabase, now: () => number) {
  return relyingParty && passkeyStore({ database, relyingParty, now })
}

/** Creates the services on top of the stores. */
function makeServices(
  settings: AuthSettings,
  stores: Stores,
  surroundings: AuthSurroundings,
  baseUrl: () => string,
) {
  const { issuer, audience, lifetimes, passwordRules: rules, roles } = settings
  const { database, keys, sessions, refreshTokens, now } = stores
  const { deliver = delivery(settings.delivery) } = surroundings

  const tokenOptions = { issuer, audience, lifetime: lifetimes.accessToken, baseUrl }
  const scopesOf = sessionScopes(settings.secondFactorRequired)
  const signAccessToken = accessTokenSigner(keys, tokenOptions, now)
  const issueAccessToken = accessTokenIssuer(signAccessToken, scopesOf)
  const startSession = sessionStarter({ ...stores, issueAccessToken })
  const ender = sessionEnder(stores)
  const inBrowser = sessionCookies(settings.sessionCookies, lifetimes.idle)
  const asCaller = callersSession(sessions, issuer)
  const shedLoad = loadShedder(settings.parallelHashes + waitingHashes)
  const resetUrl = settings.passwordResetUrl
  return {
    issuer,
    algorithm: settings.keys.algorithm,
    /** The name of the service in authenticator apps. */
    applicationName: audience,
    scopesOf,
    signAccessToken,
    issueAccessToken,
    startSession,
    verifyOwnToken: ownTokenVerifier({ database, keys, issuer, audience, now }),
    login: login({ ...stores, startSession, shedLoad }),
    refresh: refresh(refreshTokens, issueAccessToken),
    callersSession: asCaller,
    administrators: administrators({ ...stores, callersSession: asCaller, scopesOf, issuer }),
    sessionEnder: ender,
    inBrowser,
    handOutTokens: handOutTokens({ inBrowser, refreshTokens, sessionEnder: ender }),
    signUp: signUp({ ...stores, rules }),
    changePassword: changePassword({ ...stores, rules }),
    passwordReset: passwordReset({ ...stores, rules, deliver, resetUrl }),
    administration: administration({ ...stores, roles }),
  }
}
