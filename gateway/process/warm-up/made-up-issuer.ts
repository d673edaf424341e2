/** An issuer that exists in the memory of one process only, for the time of its warm-up. */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWTPayload } from 'jose'
import type { AuthenticatorOptions } from '../../authentication/authenticator.ts'
import { stepsOf, withValueAt } from '../../authentication/claim-path.ts'
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
      tenants: undefined,
      introspection: undefined,
      algorithms: [algorithm],
      keys: { kind: 'inline', document: { keys: [jwk] } },
      scopes: undefined,
      revocation: undefined,
    },
    async credentials() {
      const claims = {
        iss: issuer,
        sub: randomUUID(),
        jti: randomUUID(),
      }
      const withAudience = withValueAt(claims, stepsOf(like.audienceClaim), like.audiences[0])
      const complete = withValueAt(withAudience, stepsOf(like.scopesClaims[0]!), scopes.join(' '))
      return headersWith(
        await signed(complete as JWTPayload, { algorithm, type, privateKey }),
        sources[0],
      )
    },
  }
}

/** A key pair for RSA takes long to make, and keys of HS are no pairs: the time is for requests. */
function algorithmLike(algorithms: readonly string[]): string {
  return algorithms.find((name) => /^(ES|Ed)/.test(name)) ?? 'ES256'
}

function signed(
  claims: JWTPayload,
  { algorithm, type, privateKey }: { algorithm: string; type: string; privateKey: CryptoKey },
): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid: 'made up', typ: type })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey)
}

function headersWith(token: string, source: TokenSource | undefined): Record<string, string> {
  if (source && 'cookie' in source) return { cookie: `${source.cookie}=${token}` }
  const { header = 'authorization', scheme } = source ?? { scheme: 'Bearer' }
  return { [header]: scheme ? `${scheme} ${token}` : token }
}
