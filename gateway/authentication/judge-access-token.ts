/**
 * The judgement of an access token that is not remembered: read, choose the issuer, verify, select.
 */
import type { ClaimsRecord } from './claim-path.ts'
import type { Issuer } from './issuer.ts'
import { issuerOf, readPresented } from './known-issuers.ts'
import type { KnownIssuers } from './known-issuers.ts'
import { refusedBy } from './judgement.ts'
import type { Accepted, Judgement, TokenDescription } from './judgement.ts'
import type { AuthenticationMetrics } from './metrics.ts'
import type { UnverifiedToken } from './read-token.ts'
import type { VerifiedToken } from './verify-access-token.ts'

/**
 * Returns the judgement of an access token. It does not check whether the token has been revoked.
 */
export async function judgeAccessToken(
  text: string,
  issuers: KnownIssuers,
  metrics: AuthenticationMetrics,
): Promise<Judgement> {
  let token: UnverifiedToken | undefined
  let issuer: Issuer | undefined
  try {
    token = readPresented(text, issuers)
    issuer = issuerOf(token, issuers)
    const started = performance.now()
    const verified = await issuer.verify(token)
    const how = issuer.introspection ? 'introspection' : token.algorithm
    metrics.verified(how, (performance.now() - started) / 1_000)
    return accepted(verified, issuer, describe(verified.claims, issuer))
  } catch (error) {
    return refusedBy(error, describe(token?.payload, issuer))
  }
}

function accepted(
  { claims, key, verifiedUntil, keptUntil }: VerifiedToken,
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
    verifiedUntil,
    keptUntil,
    expiresAt: (claims.exp ?? Infinity) * 1_000 + clockTolerance,
    tooOldAt: (claims.iat ?? Infinity) * 1_000 + maxTokenAge + clockTolerance,
    sessionId: typeof claims['sid'] === 'string' ? claims['sid'] : undefined,
    revocable: key && issuer.revocation?.revocable(claims, key.keyId),
    description,
  }
}

/** A token may name any issuer: the log and the metrics name configured issuers only. */
function describe({ jti, sub }: ClaimsRecord = {}, issuer: Issuer | undefined): TokenDescription {
  // Complete, as subgraphs get it: the log of a gateway has a pseudonym for it.
  const subject = typeof sub === 'string' ? (issuer?.options.subjectPrefix ?? '') + sub : undefined
  return { issuer: issuer?.name ?? '', jti: shortened(jti), sub: subject }
}

/** The log gets only a part of an unverified claim: it may be any text of any length. */
function shortened(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 100) : undefined
}
