/** Attempts to authenticate with credentials of which nothing is known yet: not too many of one network may fail. */
import { errorTable } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { Judgement, NowOrLater } from './judgement.ts'

export interface Attempt {
  /** To be called when it has ended. */
  end(failed: boolean): void
}

/** Returns the attempt, when it may begin; or in how many seconds another one may, if too many have failed. */
export type BeginAttempt = (
  address: string,
) => NowOrLater<Attempt | { readonly retryAfter: number }>

/** Tokens that were good once are no guesses: an office may have many of them at the same time. */
const lapsed: ReadonlySet<ErrorName> = new Set([
  'TOKEN_EXPIRED',
  'TOKEN_NOT_YET_VALID',
  'TOKEN_TOO_OLD',
  'TOKEN_REVOKED',
])

/** Returns the judgement of a credential, or a refusal without judging it. */
export async function judgeAttempt(
  begin: BeginAttempt,
  address: string,
  judge: () => NowOrLater<Judgement>,
): Promise<Judgement> {
  const attempt = await begin(address)
  if ('retryAfter' in attempt) {
    const { retryAfter } = attempt
    return { outcome: 'refused', reason: 'AUTHENTICATION_RATE_EXCEEDED', retryAfter }
  }
  let failed = false
  try {
    const judgement = await judge()
    failed = isFailure(judgement)
    return judgement
  } finally {
    attempt.end(failed)
  }
}

function isFailure(judgement: Judgement): boolean {
  if (judgement.outcome === 'accepted' || lapsed.has(judgement.reason)) return false
  return errorTable[judgement.reason].status === 401
}
