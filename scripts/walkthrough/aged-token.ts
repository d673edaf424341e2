/** An access token that expires sooner, without waiting for it. */
import { decodeJwt, SignJWT } from 'jose'
import { readAuthSettings } from '../../subgraphs/auth/settings.ts'
import { keyEncryption } from '../../subgraphs/auth/tokens/key-encryption.ts'
import { keyLifecycle } from '../../subgraphs/auth/tokens/key-lifecycle.ts'
import { openSigningKeys } from '../../subgraphs/auth/tokens/signing-keys.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'

/** In seconds: beyond any clock tolerance. */
const hour = 3600

/** Returns the access token as auth would have signed it an hour ago. */
export function expiredToken(token: string, environment: Environment): Promise<string> {
  return agedToken(token, environment, hour)
}

/** Returns the access token as it would be if so many seconds were left until it expires. */
export function expiringToken(token: string, environment: Environment, left: number) {
  const { exp = 0 } = decodeJwt(token)
  return agedToken(token, environment, exp - Math.floor(Date.now() / 1000) - left)
}

/**
 * Returns the access token as auth would have signed it so many seconds earlier: with the same claims and
 * the same key, from the same database.
 */
async function agedToken(token: string, environment: Environment, age: number): Promise<string> {
  const settings = readAuthSettings(environment)
  const { openAuthDatabase } = await import('../../subgraphs/auth/database.ts')
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    const encryption = keyEncryption(settings.keyEncryptionSecrets)
    const lifecycle = keyLifecycle({ database, encryption, ...settings.keys, now: Date.now })
    const keys = await openSigningKeys(lifecycle, encryption)
    const key = await keys.current()
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token)
    return await new SignJWT({ ...claims, iat: iat - age, exp: exp - age })
      .setProtectedHeader({ typ: 'at+jwt', alg: key.algorithm, kid: key.id })
      .sign(key.privateKey)
  } finally {
    await database.destroy()
  }
}
