/**
 * The signature algorithms, and the keys that each accepts (RFC 7518 section 3.1, RFC 8037, RFC
 * 9864).
 */
interface Algorithm {
  readonly keyType: 'EC' | 'RSA' | 'OKP' | 'oct'
  readonly curve?: string
  /** The least length of a shared key, in bytes: that of the hash (RFC 7518 section 3.2). */
  readonly leastBytes?: number
  /** The same signature under another name. */
  readonly alias?: string
}

const rsa = { keyType: 'RSA' } as const
const hmac = (leastBytes: number) => ({ keyType: 'oct', leastBytes }) as const

const table = {
  ES256: { keyType: 'EC', curve: 'P-256' },
  ES384: { keyType: 'EC', curve: 'P-384' },
  ES512: { keyType: 'EC', curve: 'P-521' },
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  EdDSA: { keyType: 'OKP', curve: 'Ed25519', alias: 'Ed25519' },
  Ed25519: { keyType: 'OKP', curve: 'Ed25519', alias: 'EdDSA' },
  HS256: hmac(32),
  HS384: hmac(48),
  HS512: hmac(64),
} as const satisfies Readonly<Record<string, Algorithm>>

const algorithms: Readonly<Record<string, Algorithm>> = table

/** The algorithms that may verify tokens. */
export const algorithmNames = Object.keys(table) as (keyof typeof table)[]

/** Returns the algorithms with the other names of each: EdDSA is also written Ed25519. */
export function withAliases(names: readonly string[]): string[] {
  const aliases = names.flatMap((name) => algorithms[name]?.alias ?? [])
  return [...new Set([...names, ...aliases])]
}

/** The properties of a key that decide which algorithms it is for. */
export interface KeyKind {
  readonly kty: string
  readonly crv?: string | undefined
  readonly alg?: string | undefined
  /** The length of a shared key. */
  readonly bytes?: number | undefined
}

/**
 * Returns whether a key of that type, curve, length and `alg` verifies signatures of the algorithm.
 */
export function fitsAlgorithm(key: KeyKind, name: string): boolean {
  const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined
  if (!algorithm || algorithm.keyType !== key.kty) return false
  if (algorithm.curve !== undefined && algorithm.curve !== key.crv) return false
  if (algorithm.leastBytes !== undefined && (key.bytes ?? 0) < algorithm.leastBytes) return false
  return key.alg === undefined || key.alg === name || key.alg === algorithm.alias
}

/** Returns the least length of a shared key for any of the algorithms, in bytes. */
export function leastBytesFor(names: readonly string[]): number {
  return Math.min(...names.map((name) => algorithms[name]?.leastBytes ?? Infinity))
}
