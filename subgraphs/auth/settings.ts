import { claimsKeys } from '../kit/process/claims-keys.ts'
import { readSettings } from '../kit/process/settings.ts'
import type { Environment } from '../kit/process/settings.ts'
import { databaseUrl } from '../storage/database-url.ts'

export const help = `
The auth subgraph: login, access tokens, public keys at /.well-known/jwks.json.

Usage: npm run auth

Settings, from the environment:
  HOST                      the address to listen on (127.0.0.1)
  AUTH_PORT                 the port to listen on (4001; 0 lets the system choose)
  DATABASE_URL              postgres://USER@HOST/DATABASE or sqlite:PATH (sqlite:DATA_DIR/auth.db)
  DATA_DIR                  the folder of the embedded database and the development secrets (.data)
  CLAIMS_KEY                verifies the gateway's claims header; two separated by a comma during a
                            rotation, newest first
  KEY_ENCRYPTION_SECRET     encrypts the signing keys in the database, at least 32 characters
  TOKEN_ISSUER              the issuer of access tokens (http://127.0.0.1:4001)
  TOKEN_AUDIENCE            their audience: what the gateway is called (portcullis)
  ACCESS_TOKEN_LIFETIME     in seconds (300)
  NODE_ENV=production       nothing is invented: secrets, issuer and the place of the data must be set

CLAIMS_KEY_FILE and KEY_ENCRYPTION_SECRET_FILE name files that hold the secret.
`

export type AuthSettings = ReturnType<typeof readAuthSettings>

/** A secret shorter than its hash output is guessed sooner than the key that is derived from it. */
const leastSecretLength = 32

/** Returns the settings; a StartFailure lists every problem at once. */
export function readAuthSettings(environment: Environment) {
  const settings = readSettings(environment)
  const { production } = settings
  const read = {
    production,
    host: settings.text('HOST', '127.0.0.1'),
    port: settings.port('AUTH_PORT', 4001),
    databaseUrl: databaseUrl(settings, 'auth.db'),
    claimsKeys: claimsKeys(settings, 'auth'),
    keyEncryptionSecret: settings.secret('KEY_ENCRYPTION_SECRET'),
    issuer: settings.text('TOKEN_ISSUER', production ? undefined : 'http://127.0.0.1:4001'),
    audience: settings.text('TOKEN_AUDIENCE', 'portcullis'),
    accessTokenLifetime: settings.wholeNumber('ACCESS_TOKEN_LIFETIME', 300, {
      least: 1,
      most: 86_400,
    }),
  }
  const { length } = read.keyEncryptionSecret
  if (length > 0 && length < leastSecretLength) {
    settings.problem(`KEY_ENCRYPTION_SECRET is shorter than ${leastSecretLength} characters`)
  }
  settings.refuseProblems()
  return read
}
