/** An access token that has expired, without waiting for it. */
import { decodeJwt, SignJWT } from 'jose'
import { readAuthSettings } from '../../subgraphs/auth/settings.ts'
import { keyEncryption } from '../../subgraphs/auth/tokens/key-encryption.ts'
import { keyLifecycle } from '../../subgraphs/auth/tokens/key-lifecycle.ts'
import { openSigningKeys } from '../../subgraphs/auth/tokens/signing-keys.ts'
import type { Environment } from '../../subgraphs/kit/process/settings.ts'

/** How long ago it was issued and expired, in seconds: beyond any clock tolerance. */
const past = 3600

/**
 * Returns the access token as auth would have signed it an hour ago: with the same claims and the same
 * key, from the same database.
 */
export async function expiredToken(token: string, environment: Environment): Promise<string> {
  const settings = readAuthSettings(environment)
  const { openAuthDatabase } = await import('../../subgraphs/auth/database.ts')
  const database = await openAuthDatabase(settings.databaseUrl)
  try {
    const encryption = keyEncryption(settings.keyEncryptionSecret)
    const lifecycle = keyLifecycle({ database, encryption, ...settings.keys, now: Date.now })
    const keys = await openSigningKeys(lifecycle, encryption)
    const key = await keys.current()
    const { iat = 0, exp = 0, ...claims } = decodeJwt(token)
    return await new SignJWT({ ...claims, iat: iat - past, exp: exp - past })
      .setProtectedHeader({ typ: 'at+jwt', alg: key.algorithm, kid: key.id })
      .sign(key.privateKey)
  } finally {
    await database.destroy()
  }
}
