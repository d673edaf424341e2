/** Signing keys and the like at rest: AES-256-GCM under a key derived from KEY_ENCRYPTION_SECRET. */
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
  /** Returns the text; throws a DecryptionError if none of the secrets decrypts it. */
  decrypt(name: string, encrypted: string): string
  /**
   * Returns the text encrypted under the first secret; undefined if it is already. Throws a
   * DecryptionError if none of the secrets decrypts it.
   */
  reencrypt(name: string, encrypted: string): string | undefined
}

/**
 * Returns the encryption under the first of the secrets; each of them decrypts.
 *
 * @param secrets one, or two during a rotation
 */
export function keyEncryption(secrets: readonly string[]): KeyEncryption {
  const keys = secrets.map(
    (secret) =>
      new Uint8Array(hkdfSync('sha256', secret, '', 'portcullis signing keys at rest', sizes.key)),
  )

  return {
    encrypt,
    decrypt: (name, encrypted) => decryptedBy(name, encrypted).text,
    reencrypt(name, encrypted) {
      const { text, index } = decryptedBy(name, encrypted)
      return index === 0 ? undefined : encrypt(name, text)
    },
  }

  function encrypt(name: string, text: string): string {
    const nonce = randomBytes(sizes.nonce)
    const cipher = createCipheriv(algorithm, keys[0]!, nonce)
    cipher.setAAD(Buffer.from(name))
    const content = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64url')
  }

  /** Returns the text, and the index of the secret that decrypts it. */
  function decryptedBy(name: string, encrypted: string): { text: string; index: number } {
    const bytes = Buffer.from(encrypted, 'base64url')
    let cause: unknown
    for (const [index, key] of keys.entries()) {
      try {
        return { text: decrypted(key, name, bytes), index }
      } catch (failure) {
        cause = failure
      }
    }
    throw new DecryptionError(`${name} cannot be decrypted with this secret`, { cause })
  }
}

function decrypted(key: Uint8Array, name: string, bytes: Buffer): string {
  const nonce = bytes.subarray(0, sizes.nonce)
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: sizes.tag })
  decipher.setAAD(Buffer.from(name))
  decipher.setAuthTag(bytes.subarray(sizes.nonce, sizes.nonce + sizes.tag))
  const content = bytes.subarray(sizes.nonce + sizes.tag)
  return Buffer.concat([decipher.update(content), decipher.final()]).toString('utf8')
}
