/** Signing keys at rest: AES-256-GCM under a key derived from KEY_ENCRYPTION_SECRET. */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

const algorithm = 'aes-256-gcm'
/** In bytes: NIST SP 800-38D section 5.2.1. */
const sizes = { key: 32, nonce: 12, tag: 16 }

/** Thrown when a text was encrypted under another secret, or was changed. */
export class DecryptionError extends Error {
  override name = 'DecryptionError'
}

export interface KeyEncryption {
  /** @param name of the encrypted text: it can be decrypted under the same name only */
  encrypt(name: string, text: string): string
  decrypt(name: string, encrypted: string): string
}

export function keyEncryption(secret: string): KeyEncryption {
  const key = new Uint8Array(
    hkdfSync('sha256', secret, '', 'portcullis signing keys at rest', sizes.key),
  )

  return {
    encrypt(name, text) {
      const nonce = randomBytes(sizes.nonce)
      const cipher = createCipheriv(algorithm, key, nonce)
      cipher.setAAD(Buffer.from(name))
      const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64url')
    },

    decrypt(name, encrypted) {
      const bytes = Buffer.from(encrypted, 'base64url')
      const nonce = bytes.subarray(0, sizes.nonce)
      const tag = bytes.subarray(sizes.nonce, sizes.nonce + sizes.tag)
      try {
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: sizes.tag })
        decipher.setAAD(Buffer.from(name))
        decipher.setAuthTag(tag)
        const content = bytes.subarray(sizes.nonce + sizes.tag)
        return Buffer.concat([decipher.update(content), decipher.final()]).toString('utf8')
      } catch (cause) {
        throw new DecryptionError(`${name} cannot be decrypted with this secret`, { cause })
      }
    },
  }
}
