/**
 * The judgement of an access token that is not remembered: read, choose the issuer, verify, select.
 */
import { issuerOf } from './issuer.ts'
import type { Issuer } from './issuer.ts'
import { refusedBy } from './judgement.ts'
import type { Accepted, Judgement, TokenDescription } from './judgement.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import { readToken } from './read-token.ts'
import type { UnverifiedToken } from './read-token.ts'
import type { VerifiedToken } from './verify-access-token.ts'

type Issuers = ReadonlyMap<string, Issuer>

/**
 * Returns the judgement of an access token. It does not check whether the token has been revoked.
 */
export async function judgeAccessToken(
  text: string,
  issuers: Issuers,
  metrics: AuthenticationMetrics,
): Promise<Judgement> {
  let token: UnverifiedToken | undefined
  try {
    token = readToken(text)
    const issuer = issuerOf(token.payload, issuers)
    const started = performance.now()
    const verified = await issuer.verify(token)
    metrics.verified(token.algorithm, (performance.now() - started) / 1_000)
    return accepted(verified, issuer, describe(token, issuers))
  } catch (error) {
    return refusedBy(error, describe(token, issuers))
  }
}

function accepted(
  { claims, key }: VerifiedToken,
  issuer: Issuer,
  description: TokenDescription,
): Accepted {
  const { clockTolerance, maxTokenAge } = issuer.options
  return {
    outcome: 'accepted',
    caller: Object.freeze({
      expiresAt: claims.exp,
      issuer: String(claims.iss),
      ...issuer.select(claims),
    }),
    issuer,
    key,
    expiresAt: claims.exp * 1_000 + clockTolerance,
    tooOldAt: (claims.iat ?? Infinity) * 1_000 + maxTokenAge + clockTolerance,
    sessionId: typeof claims['sid'] === 'string' ? claims['sid'] : undefined,
    revocable: issuer.revocation?.revocable(claims, key.keyId),
    description,
  }
}

/** A token may name any issuer: the log and the metrics name configured issuers only. */
function describe(token: UnverifiedToken | undefined, issuers: Issuers): TokenDescription {
  const { iss, jti, sub } = token?.payload ?? {}
  const issuer = typeof iss === 'string' ? issuers.get(iss) : undefined
  // Complete, as subgraphs get it: the log of a gateway has a pseudonym for it.
  const subject = typeof sub === 'string' ? (issuer?.options.subjectPrefix ?? '') + sub : undefined
  return { issuer: issuer?.name ?? '', jti: shortened(jti), sub: subject }
}

/** The log gets only a part of an unverified claim: it may be any text of any length. */
function shortened(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 100) : undefined
}
