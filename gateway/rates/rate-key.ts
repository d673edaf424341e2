/** What the points of a caller are counted by: 64 bits, which nobody can compute without the secret. */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'

/** Both parts are signed 32-bit integers. */
export interface RateKey {
  readonly high: number
  readonly low: number
}

/** Returns the function that makes keys. Nobody can find a text with the key of another, or check a guess. */
export function rateKeys(secret: string): (text: string) => RateKey {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis rates: keys', 32))
  return (text) => keyIn(createHmac('sha256', key).update(text).digest())
}

/** Returns a random key. */
export function randomKey(): RateKey {
  return keyIn(randomBytes(8))
}

function keyIn(bytes: Buffer): RateKey {
  return { high: bytes.readInt32BE(0), low: bytes.readInt32BE(4) }
}

/** Returns a key as 16 hexadecimal digits. */
export function keyText({ high, low }: RateKey): string {
  return hexadecimal(high) + hexadecimal(low)
}

function hexadecimal(integer: number): string {
  return (integer >>> 0).toString(16).padStart(8, '0')
}
