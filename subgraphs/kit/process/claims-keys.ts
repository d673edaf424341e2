import { deriveClaimsKey } from '../claims-header.ts'
import { developmentSecret } from './development-secret.ts'
import type { Settings } from './settings.ts'

/** The length of a claims key, in bytes. */
const keyLength = 32

/**
 * Returns the keys with which a subgraph verifies claims headers: from CLAIMS_KEY, newest first, two
 * during a rotation. In development derived from the gateway's development secret.
 */
export function claimsKeys(settings: Settings, subgraph: string): Uint8Array[] {
  const develop = () => {
    const gatewaySecret = developmentSecret(settings.dataDirectory, 'gateway-secret')
    return Buffer.from(deriveClaimsKey(gatewaySecret, subgraph)).toString('base64url')
  }
  const text = settings.secret('CLAIMS_KEY', develop)
  const keys = text.split(',').map((part) => new Uint8Array(Buffer.from(part.trim(), 'base64url')))
  if (text !== '' && keys.some((key) => key.byteLength !== keyLength)) {
    settings.problem(
      `CLAIMS_KEY is not a claims key: expected ${keyLength} bytes as base64url, or two such keys ` +
        `separated by a comma (npm run keys -- claims-key ${subgraph})`,
    )
  }
  return keys
}
