/** Password hashing: argon2id with the parameters of OWASP's password storage cheat sheet. */
import { hash, verify } from '@node-rs/argon2'
import type { Options } from '@node-rs/argon2'

/** The library's enumeration exists only for its type checker: 2 is Argon2id. */
const argon2id = 2

/** 19 MiB, two passes, one lane. */
export const hashParameters: Options = {
  algorithm: argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
}

/** Returns the PHC string to store. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, hashParameters)
}

/**
 * Whether this is the password. Without a hash, as for an account that does not exist, it takes the
 * same time and the answer is no.
 */
export async function isPassword(
  password: string,
  storedHash: string | undefined,
): Promise<boolean> {
  const matches = await verify(storedHash ?? (await nobodysHash()), password)
  return matches && storedHash !== undefined
}

/** The hash of a password that nobody has, made once with the parameters of the others. */
const nobodysHash = once(() => hashPassword(crypto.randomUUID()))

/** Made ahead, so that the first login of an unknown user takes no longer than the second. */
export async function preparePasswords(): Promise<void> {
  await nobodysHash()
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
