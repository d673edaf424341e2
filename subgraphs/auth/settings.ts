import { availableParallelism } from 'node:os'
import { claimsKeys } from '../kit/process/claims-keys.ts'
import { drainSettings } from '../kit/process/drain-settings.ts'
import { logLevel } from '../kit/process/log.ts'
import { productCommand } from '../kit/process/product-command.ts'
import { readSettings } from '../kit/process/settings.ts'
import type { Environment, Settings } from '../kit/process/settings.ts'
import { databaseUrl } from '../storage/database-url.ts'
import { readRoles, standardRoles } from './accounts/roles.ts'
import type { Roles } from './accounts/roles.ts'
import type { PasswordRules } from './passwords/password-rules.ts'
import { clockTolerance } from './revocation/status-lists.ts'
import type { RelyingParty } from './second-factors/passkeys.ts'
import type { GuardLimits } from './throttling/login-guard.ts'
import { signingAlgorithms } from './tokens/make-key.ts'

export const help = `
The auth subgraph: login, access tokens, public keys at /.well-known/jwks.json.

Usage: ${productCommand('auth')}

Settings, from the environment:
  HOST                      the address to listen on (127.0.0.1)
  AUTH_PORT                 the port to listen on (4001; 0 lets the system choose)
  DATABASE_URL              postgres://USER@HOST/DATABASE or sqlite:PATH (sqlite:DATA_DIR/auth.db)
  DATA_DIR                  the folder of the embedded database and the development secrets (.data)
  CLAIMS_KEY                verifies the gateway's claims header; two separated by a comma during a
                            rotation, newest first
  KEY_ENCRYPTION_SECRET     encrypts signing keys and secrets of authenticator apps in the database, at
                            least 32 characters; two separated by a comma during a rotation: the
                            first one encrypts
  TOKEN_ISSUER              the issuer of access tokens (http://127.0.0.1:AUTH_PORT)
  TOKEN_AUDIENCE            their audience: the gateway's name (portcullis)
  TOKEN_ALGORITHM           of new signing keys: ES256, EdDSA or RS256 (ES256)
  KEY_ROTATION_PERIOD       how long a key signs before the next takes over, in seconds (30 days)
  TOKEN_STATUS_URL          the URL at which gateways reach /status-lists and /revocations
                            (TOKEN_ISSUER; outside production the address on which it listens)
  ACCESS_TOKEN_LIFETIME     in seconds (300)
  SESSION_LIFETIME          until a session ends, however it is used, in seconds (30 days)
  SESSION_COOKIES           on: browsers may have their tokens in cookies, with
                            login(inCookies: true) (off)
  SESSION_IDLE_LIFETIME     until a session ends that is not refreshed, in seconds (7 days)
  AUTH_ROLES                roles in addition to "user" and "administrator", with their scopes, as JSON:
                            {"editor": ["articles:write"]}
  SECOND_FACTOR             required: without one a session has no scopes (optional)
  NETWORK_TRIES_PER_MINUTE  failed logins from one network (/24, /56), and as many sign-ups, resets and
                            failed passkey logins (ten times as many may begin); known devices are
                            not counted (20)
  PASSWORD_TRIES_PER_HOUR   attempts with one password, over all accounts (30)
  MAILS_PER_HOUR            mails to one account (3)
  PASSWORD_MIN_LENGTH       of new passwords, in characters (15; 8 where a second factor is required)
  MAIL_URL                  how mail is sent: smtp(s)://USER:PASSWORD@HOST, or http(s)://... for a
                            POST of { from, to, subject, text }; unset: printed outside production,
                            and in production not sent
  MAIL_FROM                 the sender (Portcullis <no-reply@localhost>)
  PASSKEY_DOMAIN            the domain that passkeys are bound to (localhost outside production;
                            unset in production: no passkeys)
  PASSKEY_ORIGINS           the origins that may use passkeys, separated by commas
                            (https://PASSKEY_DOMAIN)
  PASSWORD_RESET_URL        the page on which a user enters a new password; #token=... is added
  DRAIN_ANNOUNCE            how long connections are still accepted after SIGTERM, while /ready says 503,
                            in seconds (5 in production, else 0)
  DRAIN_FINISH              how long the requests in progress may take after that, in seconds (25)
  LOG_LEVEL                 a level of pino (info)
  NODE_ENV=production       no defaults for secrets, the issuer and the place of the data: they must be set

CLAIMS_KEY_FILE, KEY_ENCRYPTION_SECRET_FILE, DATABASE_URL_FILE and MAIL_URL_FILE name files that
contain the value.
`

export type AuthSettings = ReturnType<typeof readAuthSettings>

/** A shorter secret would be easier to guess than the key derived from it. */
const leastSecretLength = 32

/** In seconds. */
const day = 24 * 60 * 60
const year = 365 * day

const defaultPort = 4001

/** Returns the issuer in development. It does not follow a port that the system chooses at each start. */
export function developmentIssuer(port: number): string {
  return `http://127.0.0.1:${port || defaultPort}`
}

/** Returns the settings; throws a StartFailure that lists all problems. */
export function readAuthSettings(environment: Environment) {
  const settings = readSettings(environment)
  const { production } = settings
  const port = settings.port('AUTH_PORT', defaultPort)
  const issuer = settings.text('TOKEN_ISSUER', production ? undefined : developmentIssuer(port))
  const lifetimes = {
    accessToken: accessTokenLifetime(settings),
    idle: 1000 * settings.wholeNumber('SESSION_IDLE_LIFETIME', 7 * day, { least: 1, most: year }),
    absolute: 1000 * settings.wholeNumber('SESSION_LIFETIME', 30 * day, { least: 1, most: year }),
  }
  const isFactorRequired = secondFactorRequired(settings)
  const read = {
    production,
    logLevel: logLevel(settings),
    host: settings.text('HOST', '127.0.0.1'),
    port,
    databaseUrl: databaseUrl(settings, 'auth.db'),
    claimsKeys: claimsKeys(settings, 'auth'),
    drain: drainSettings(settings),
    keyEncryptionSecrets: keyEncryptionSecrets(settings),
    issuer,
    /** Undefined: the address on which it listens. */
    statusUrl: statusUrl(settings, issuer),
    audience: settings.text('TOKEN_AUDIENCE', 'portcullis'),
    sessionCookies: sessionCookies(settings),
    secondFactorRequired: isFactorRequired,
    passwordRules: passwordRules(settings, isFactorRequired),
    limits: guardLimits(settings),
    delivery: {
      url: url(settings, 'MAIL_URL', settings.optionalSecret('MAIL_URL'), /^(smtps?|https?):/),
      from: settings.text('MAIL_FROM', 'Portcullis <no-reply@localhost>'),
      production,
    },
    relyingParty: relyingParty(settings),
    parallelHashes: parallelHashes(settings),
    passwordResetUrl: url(
      settings,
      'PASSWORD_RESET_URL',
      settings.optional('PASSWORD_RESET_URL'),
      /^https?:/,
    ),
    roles: roleSettings(settings),
    lifetimes,
    keys: keySettings(settings, lifetimes.accessToken),
  }
  settings.refuseProblems()
  return read
}

function roleSettings(settings: Settings): Roles {
  const roles = readRoles(settings.optional('AUTH_ROLES'))
  if (roles) return roles
  settings.problem('AUTH_ROLES is not JSON of the shape {"editor": ["articles:write"]}')
  return standardRoles
}

function sessionCookies(settings: Settings): boolean {
  return settings.choice('SESSION_COOKIES', ['on', 'off'], 'off') === 'on'
}

function secondFactorRequired(settings: Settings): boolean {
  return settings.choice('SECOND_FACTOR', ['required', 'optional'], 'optional') === 'required'
}

function guardLimits(settings: Settings): GuardLimits {
  const limit = (name: string, fallback: number) =>
    settings.wholeNumber(name, fallback, { least: 1, most: 1_000_000 })
  return {
    networkTries: limit('NETWORK_TRIES_PER_MINUTE', 20),
    passwordTries: limit('PASSWORD_TRIES_PER_HOUR', 30),
    mails: limit('MAILS_PER_HOUR', 3),
  }
}

function passwordRules(settings: Settings, isFactorRequired: boolean): PasswordRules {
  return {
    leastLength: settings.wholeNumber('PASSWORD_MIN_LENGTH', isFactorRequired ? 8 : 15, {
      least: 8,
      most: 128,
    }),
  }
}

/** Returns the settings for managing accounts from the command line. */
export function readAdminSettings(environment: Environment) {
  const settings = readSettings(environment)
  const read = {
    databaseUrl: databaseUrl(settings, 'auth.db'),
    keyEncryptionSecrets: keyEncryptionSecrets(settings),
    passwordRules: passwordRules(settings, secondFactorRequired(settings)),
    roles: roleSettings(settings),
  }
  settings.refuseProblems()
  return read
}

/** Returns the settings for managing the keys. */
export function readKeySettings(environment: Environment) {
  const settings = readSettings(environment)
  const accessToken = accessTokenLifetime(settings)
  const read = {
    databaseUrl: databaseUrl(settings, 'auth.db'),
    keyEncryptionSecrets: keyEncryptionSecrets(settings),
    keys: keySettings(settings, accessToken),
  }
  settings.refuseProblems()
  return read
}

/** Returns the secret, or two during a rotation. The first one encrypts, and keys the hashes. */
function keyEncryptionSecrets(settings: Settings): [string, ...string[]] {
  const text = settings.secret('KEY_ENCRYPTION_SECRET')
  const [first = '', ...others] = text.split(',').map((secret) => secret.trim())
  const isShort = [first, ...others].some(({ length }) => length < leastSecretLength)
  if (text.length > 0 && isShort) {
    settings.problem(
      `KEY_ENCRYPTION_SECRET has a secret that is shorter than ${leastSecretLength} characters`,
    )
  }
  return [first, ...others]
}

function accessTokenLifetime(settings: Settings): number {
  return 1000 * settings.wholeNumber('ACCESS_TOKEN_LIFETIME', 300, { least: 1, most: day })
}

/** The lifecycle of signing keys. */
function keySettings(settings: Settings, accessTokenLifetime: number) {
  const algorithm = settings.choice('TOKEN_ALGORITHM', signingAlgorithms, 'ES256')
  const period = settings.wholeNumber('KEY_ROTATION_PERIOD', 30 * day, { least: 3600, most: year })
  return {
    algorithm,
    rotationPeriod: 1000 * period,
    outlived: accessTokenLifetime + clockTolerance,
  }
}

function relyingParty(settings: Settings): RelyingParty | undefined {
  const id = settings.optional('PASSKEY_DOMAIN') ?? (settings.production ? undefined : 'localhost')
  if (id === undefined) return undefined
  const fallback = settings.production ? `https://${id}` : `http://${id}:4000,https://${id}`
  const origins = settings
    .text('PASSKEY_ORIGINS', fallback)
    .split(',')
    .map((each) => each.trim())
  if (!origins.every((each) => URL.canParse(each) && new URL(each).origin === each)) {
    settings.problem('PASSKEY_ORIGINS is not a list of origins such as https://shop.example.com')
  }
  return { id, name: settings.text('TOKEN_AUDIENCE', 'portcullis'), origins }
}

/**
 * As many parallel hashes as there are cores, and at most one less than Node's threadpool has threads:
 * signatures, files and DNS lookups need the same threads.
 */
function parallelHashes(settings: Settings): number {
  const threads = settings.wholeNumber('UV_THREADPOOL_SIZE', 4, { least: 1, most: 1024 })
  return Math.max(1, Math.min(availableParallelism(), threads - 1))
}

/** The value is not repeated in a problem: MAIL_URL holds a password. */
function url(
  settings: Settings,
  name: string,
  value: string | undefined,
  scheme: RegExp,
): string | undefined {
  if (value === undefined || (scheme.test(value) && URL.canParse(value))) return value
  settings.problem(`${name} is not a URL of the expected kind: see --help`)
  return undefined
}

function statusUrl(settings: Settings, issuer: string): string | undefined {
  const url = settings.optional('TOKEN_STATUS_URL') ?? (settings.production ? issuer : undefined)
  if (url === undefined || url === '') return undefined
  if (!/^https?:/.test(url) || !URL.canParse(url)) {
    settings.problem(
      'TOKEN_STATUS_URL is not set, and TOKEN_ISSUER is no http(s) URL to derive it from: give the URL at which gateways reach the auth subgraph',
    )
  }
  return url.replace(/\/$/, '')
}
