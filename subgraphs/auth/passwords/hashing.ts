/** Password hashing: argon2id with the parameters of OWASP's password storage cheat sheet. */
import { hash, parseOptions, verify } from '@node-rs/argon2'
import type { Options } from '@node-rs/argon2'
import { verify as verifyBcrypt } from '@node-rs/bcrypt'
import type { HashingQueue } from './hashing-queue.ts'
import { readPassword } from './password-text.ts'

/** The library's enumeration exists only for its type checker: 2 is Argon2id. */
const argon2id = 2

/** 19 MiB, two passes, one lane. */
export const hashParameters = {
  algorithm: argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} satisfies Options

export type HashParameters = typeof hashParameters

export interface PasswordHasher {
  /** Returns the PHC string to store. */
  hash(password: string): Promise<string>
  /**
   * Returns whether this is the password. Without a hash, as for an account that does not exist, it
   * takes the same time and returns false.
   */
  matches(password: string, stored: string | undefined): Promise<boolean>
  /** Returns whether a stored hash is weaker than a new one. */
  isOutdated(stored: string): boolean
}

/** Returns the hasher; the hash for accounts that do not exist is computed in advance. */
export async function passwordHasher(
  inTurn: HashingQueue,
  parameters: HashParameters = hashParameters,
): Promise<PasswordHasher> {
  const nobodysHash = await hash(crypto.randomUUID(), parameters)

  return {
    hash: (password) => inTurn(() => hash(password, parameters)),

    async matches(password, stored) {
      const text = readPassword(password)
      const known = text !== undefined && stored && readsAll(stored, text) ? stored : undefined
      const matched = await inTurn(() => verifyStored(known ?? nobodysHash, text ?? ''))
      return matched && known !== undefined
    },

    isOutdated(stored) {
      if (!isArgon2(stored)) return true
      const { algorithm, memoryCost, timeCost } = parseOptions(stored)
      return (
        algorithm !== argon2id ||
        memoryCost < parameters.memoryCost ||
        timeCost < parameters.timeCost
      )
    },
  }
}

/** In bytes. bcrypt ignores the bytes after them, and those after a NUL. */
const longestOfBcrypt = 72

/**
 * Returns whether a hash depends on every byte of a password. Otherwise a password with a wrong ending
 * would match, and would be rehashed and stored.
 */
function readsAll(stored: string, password: string): boolean {
  if (isArgon2(stored)) return true
  return Buffer.byteLength(password) <= longestOfBcrypt && !password.includes('\0')
}

/** bcrypt hashes are imported, and replaced at the first login. */
function verifyStored(stored: string, password: string): Promise<boolean> {
  return isArgon2(stored) ? verify(stored, password) : verifyBcrypt(password, stored)
}

/** Returns whether a text is a hash of a supported algorithm. */
export function isPasswordHash(text: string): boolean {
  if (/^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/.test(text)) return true
  if (!isArgon2(text)) return false
  try {
    parseOptions(text)
    return true
  } catch {
    return false
  }
}

function isArgon2(stored: string): boolean {
  return stored.startsWith('$argon2')
}
