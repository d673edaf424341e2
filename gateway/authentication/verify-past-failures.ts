/** Verifies an access token past the checks that fail, to find all that is wrong with it. */
import { claimAt } from './claim-path.ts'
import type { Issuer } from './issuer.ts'
import type { UnverifiedToken } from './read-token.ts'
import { TokenRefused } from './token-refused.ts'
import type { TokenReason } from './token-refused.ts'
import type { AccessTokenRules, VerifiedToken } from './verify-access-token.ts'

/**
 * Returns all failures, in the order in which they were found: it verifies again and again, each time
 * without the rule that failed. `verified` is undefined where nothing can be verified past the last one.
 */
export async function verifyPastFailures(
  token: UnverifiedToken,
  { options, verifier }: Issuer,
  now: () => number,
): Promise<{ failures: readonly TokenRefused[]; verified: VerifiedToken | undefined }> {
  const failures: TokenRefused[] = []
  let rules: AccessTokenRules = options
  for (;;) {
    try {
      const verified = await verifier(rules, now)(token)
      return { failures, verified }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      const relax = relaxations[error.reason]
      const isRepeated = failures.some(({ reason }) => reason === error.reason)
      failures.push(error)
      if (isRepeated || !relax) return { failures, verified: undefined }
      const relaxed = relax(token, rules)
      rules = { ...rules, ...relaxed.rules }
      now = relaxed.now ?? now
    }
  }
}

interface Relaxation {
  readonly rules?: Partial<AccessTokenRules>
  readonly now?: () => number
}

/** The rules, or the time, at which the token passes the check that it failed. */
const relaxations: Partial<
  Record<TokenReason, (token: UnverifiedToken, rules: AccessTokenRules) => Relaxation>
> = {
  TOKEN_TYPE_WRONG: ({ type }) => ({ rules: { tokenTypes: [type ?? 'JWT'] } }),
  KEY_UNKNOWN: () => ({ rules: { requireKeyId: false } }),
  TOKEN_SENDER_CONSTRAINED: () => ({ rules: { senderConstrained: 'accept' } }),
  AUDIENCE_MISMATCH: ({ payload }, { audienceClaim }) => ({
    rules: { audiences: [claimAt(payload, audienceClaim)].flat() as string[] },
  }),
  TOKEN_EXPIRED: ({ payload }) => ({ now: () => Number(payload.exp) * 1_000 - 1_000 }),
  TOKEN_NOT_YET_VALID: ({ payload }) => ({
    now: () => Math.max(Number(payload.nbf ?? 0), Number(payload.iat ?? 0)) * 1_000,
  }),
  TOKEN_TOO_OLD: () => ({ rules: { maxTokenAge: Infinity } }),
}
