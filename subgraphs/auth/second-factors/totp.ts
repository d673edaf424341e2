/** Time-based one-time passwords (RFC 6238): six digits, SHA-1, 30 seconds, as every app supports. */
import { createHmac } from 'node:crypto'

/** In bytes: as long as the hash (RFC 4226 section 4). */
export const totpSecretLength = 20

const digits = 6
const period = 30_000
/** By how many steps the clock of a phone may be off. */
const drift = 1

/** Returns the step of a time, in milliseconds since the epoch. */
export function totpStep(now: number): number {
  return Math.floor(now / period)
}

/** Returns when a step begins, in milliseconds since the epoch. */
export function startOfStep(step: number): number {
  return step * period
}

export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', secret).update(counter).digest()
  const offset = hash[hash.length - 1]! & 0xf
  const number = hash.readUInt32BE(offset) & 0x7fff_ffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

/** Returns the step of a code, if it is currently valid. */
export function matchingStep(secret: Uint8Array, code: string, now: number): number | undefined {
  const steps = Array.from({ length: 2 * drift + 1 }, (_, index) => totpStep(now) + index - drift)
  return steps.find((step) => totpCode(secret, step) === code)
}

/** Returns the content of the QR code for an authenticator app. */
export function totpUri(secret: Uint8Array, issuer: string, username: string): string {
  const label = encodeURIComponent(`${issuer}:${username}`)
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${encodeURIComponent(issuer)}`
}

/** RFC 4648 section 6, without padding. */
export function base32(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => alphabet[parseInt(group.padEnd(5, '0'), 2)])
    .join('')
}
