import { deriveClaimsKey } from '../claims-header.ts'
import { developmentSecret } from './development-secret.ts'
import { parseClaimsKeys } from '../claims-keys.ts'
import type { Settings } from './settings.ts'

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
  const keys = text === '' ? [] : parseClaimsKeys(text)
  if (keys !== undefined) return keys
  settings.problem(
    'CLAIMS_KEY is not a claims key: expected 32 bytes as base64url, or two such keys ' +
      `separated by a comma (npm run keys -- claims-key ${subgraph})`,
  )
  return []
}
