import { deriveClaimsKey } from '../claims-header.ts'
import { parseClaimsKeys } from '../claims-keys.ts'
import { productCommand } from './product-command.ts'
import type { Settings } from './settings.ts'

/**
 * Returns the keys with which a subgraph verifies claims headers: from CLAIMS_KEY, newest first, two
 * during a rotation. In development they are derived from the gateway's secret, configured or generated.
 */
export function claimsKeys(settings: Settings, subgraph: string): Uint8Array[] {
  const develop = () => {
    const secrets = settings.secret('GATEWAY_SECRET').split(',')
    const keys = secrets.map((secret) => deriveClaimsKey(secret.trim(), subgraph))
    return keys.map((key) => Buffer.from(key).toString('base64url')).join(',')
  }
  const text = settings.secret('CLAIMS_KEY', develop)
  const keys = text === '' ? [] : parseClaimsKeys(text)
  if (keys !== undefined) return keys
  settings.problem(
    'CLAIMS_KEY is not a claims key: expected 32 bytes as base64url, or two such keys ' +
      `separated by a comma (${productCommand('keys', `claims-key ${subgraph}`)})`,
  )
  return []
}
