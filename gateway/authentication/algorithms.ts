/** Which key fits which algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864). */
interface Algorithm {
  readonly keyType: 'EC' | 'RSA' | 'OKP' | 'oct'
  readonly curve?: string
  /** The same signature under another name. */
  readonly alias?: string
}

const rsa = { keyType: 'RSA' } as const
const hmac = { keyType: 'oct' } as const

const algorithms: Readonly<Record<string, Algorithm>> = {
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
  HS256: hmac,
  HS384: hmac,
  HS512: hmac,
}

/** Returns the algorithms with the other names of each: EdDSA is also written Ed25519. */
export function withAliases(names: readonly string[]): string[] {
  const aliases = names.flatMap((name) => algorithms[name]?.alias ?? [])
  return [...new Set([...names, ...aliases])]
}

/** Whether a key of that type, curve and own `alg` verifies signatures of the algorithm. */
export function fitsAlgorithm(
  key: { kty: string; crv?: string | undefined; alg?: string | undefined },
  name: string,
): boolean {
  const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined
  if (!algorithm || algorithm.keyType !== key.kty) return false
  if (algorithm.curve !== undefined && algorithm.curve !== key.crv) return false
  return key.alg === undefined || key.alg === name || key.alg === algorithm.alias
}
