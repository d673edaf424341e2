/**
 * What the gateway would decide about an access token, check by check. The same code judges requests;
 * after a failed check it continues, so that an operator sees all problems together.
 */
import type { Clock } from './clock.ts'
import { explainChecks } from './explained-checks.ts'
import type { ExplainedCheck, Findings } from './explained-checks.ts'
import type { Issuer, IssuerOptions } from './issuer.ts'
import { issuerOf, readPresented } from './known-issuers.ts'
import type { KnownIssuers } from './known-issuers.ts'
import type { UnverifiedToken } from './read-token.ts'
import { TokenRefused } from './token-refused.ts'
import type { TokenReason } from './token-refused.ts'
import type { VerifiedToken } from './verify-access-token.ts'
import { verifyPastFailures } from './verify-past-failures.ts'

export interface TokenExplanation {
  /** What the gateway decides: `accepted`, or the reason of its refusal. */
  readonly decision: 'accepted' | TokenReason
  readonly checks: readonly ExplainedCheck[]
  /** What the token says, verified or not; undefined when it cannot be read. */
  readonly token: UnverifiedToken | undefined
  /** The settings of the issuer that the token names; undefined when it is not a configured one. */
  readonly issuer: IssuerOptions | undefined
  /** The most claims that a subgraph would get, of a token whose signature is valid. */
  readonly claims: Readonly<Record<string, unknown>> | undefined
}

export interface ExplainTokenParts {
  issuers: KnownIssuers
  clock: Clock
}

/** Returns every check with its verdict, in the order in which the gateway makes them. */
export async function explainToken(
  text: string,
  parts: ExplainTokenParts,
): Promise<TokenExplanation> {
  const findings: Findings = { failures: [], stage: 'read' }
  try {
    await judge(text, parts, findings)
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error
    findings.failures.push(error)
  }
  return {
    decision: findings.failures[0]?.reason ?? 'accepted',
    checks: explainChecks(findings, parts.clock.now()),
    token: findings.token,
    issuer: findings.issuer?.options,
    claims: findings.claims,
  }
}

/** Judges the token like the token of a request, and records the result of each check. */
async function judge(
  text: string,
  { issuers, clock }: ExplainTokenParts,
  findings: Findings,
): Promise<void> {
  const presented = (findings.token = readPresented(text, issuers))
  findings.stage = 'issuer'
  const issuer = (findings.issuer = issuerOf(presented, issuers))
  findings.stage = 'verify'
  const token = (findings.token = await withStatedClaims(presented, issuer))
  const { failures, verified } = await verifyPastFailures(token, issuer, clock.now)
  findings.failures.push(...failures)
  if (verified) await judgeClaims(verified, issuer, findings)
}

/** Where the issuer is asked about its tokens, what it says of one is looked at. */
async function withStatedClaims(
  token: UnverifiedToken,
  { introspection }: Issuer,
): Promise<UnverifiedToken> {
  return introspection ? { ...token, payload: await introspection.introspect(token.text) } : token
}

async function judgeClaims(
  { claims, key }: VerifiedToken,
  { select, revocation }: Issuer,
  findings: Findings,
): Promise<void> {
  findings.stage = 'claims'
  findings.claims = select(claims).claims
  findings.stage = 'revocation'
  if (key) await revocation?.refuseRevoked(revocation.revocable(claims, key.keyId))
  findings.stage = 'done'
}
