/** An issuer that exists in the memory of one process only, for the time of its warm-up. */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey } from 'jose'
import type { AuthenticatorOptions } from '../../authentication/authenticator.ts'
import type { TokenSource } from '../../authentication/find-token.ts'
import type { IssuerOptions } from '../../authentication/issuer.ts'

export interface MadeUpIssuer {
  /** For an authenticator of its own: no other one knows the issuer, so that its tokens are worth nothing. */
  readonly options: IssuerOptions
  /** Returns the headers of a request with an access token of a new caller. */
  credentials(): Promise<Readonly<Record<string, string>>>
}

/**
 * Returns an issuer with a new key, whose tokens are like those of the first issuer that is configured.
 *
 * @param scopes what its tokens grant
 */
export async function madeUpIssuer(
  { issuers, sources }: Pick<AuthenticatorOptions, 'issuers' | 'sources'>,
  scopes: readonly string[],
): Promise<MadeUpIssuer> {
  const like = issuers[0]!
  const issuer = `urn:uuid:${randomUUID()}`
  const algorithm = algorithmLike(like.algorithms)
  const { publicKey, privateKey } = await generateKeyPair(algorithm)
  const jwk = { ...(await exportJWK(publicKey)), kid: 'made up', alg: algorithm, use: 'sig' }
  const type = like.tokenTypes[0]!

  return {
    options: {
      ...like,
      issuer,
      algorithms: [algorithm],
      keys: { kind: 'inline', document: { keys: [jwk] } },
      scopes: undefined,
      revocation: undefined,
    },
    async credentials() {
      const claims = {
        ...claimNested(like.scopesClaim, scopes.join(' ')),
        iss: issuer,
        sub: randomUUID(),
        aud: like.audiences[0]!,
        jti: randomUUID(),
      }
      return headersWith(await signed(claims, { algorithm, type, privateKey }), sources[0])
    },
  }
}

/** A key pair for RSA takes long to make, and keys of HS are no pairs: the time is for requests. */
function algorithmLike(algorithms: readonly string[]): string {
  return algorithms.find((name) => /^(ES|Ed)/.test(name)) ?? 'ES256'
}

function signed(
  claims: Readonly<Record<string, unknown>>,
  { algorithm, type, privateKey }: { algorithm: string; type: string; privateKey: CryptoKey },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: 'made up', typ: type })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
}

/** A dot leads into a claim: `realm_access.roles`. */
function claimNested(path: string, value: unknown): Record<string, unknown> {
  const [name = '', ...rest] = path.split('.')
  return { [name]: rest.length === 0 ? value : claimNested(rest.join('.'), value) }
}

function headersWith(token: string, source: TokenSource | undefined): Record<string, string> {
  if (source && 'cookie' in source) return { cookie: `${source.cookie}=${token}` }
  const { header = 'authorization', scheme } = source ?? { scheme: 'Bearer' }
  return { [header]: scheme ? `${scheme} ${token}` : token }
}
