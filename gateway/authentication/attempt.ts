/** Attempts to authenticate with credentials of which nothing is known yet: not too many of one network may fail. */
import { errorTable } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import type { Judgement, NowOrLater, Refused } from './judgement.ts'

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
export function judgeAttempt(
  begin: BeginAttempt,
  address: string,
  judge: () => NowOrLater<Judgement>,
): Promise<Judgement> {
  return attempt(begin, address, judge, (judgement) =>
    judgement.outcome === 'accepted' ? undefined : judgement.reason,
  )
}

/**
 * Returns the result of an attempt, or a refusal without making it.
 *
 * @param reasonOf returns why a credential was refused; undefined if it was not
 */
export async function attempt<Result>(
  begin: BeginAttempt,
  address: string,
  make: () => NowOrLater<Result>,
  reasonOf: (result: Result) => ErrorName | undefined,
): Promise<Result | Refused> {
  const begun = await begin(address)
  if ('retryAfter' in begun) {
    const { retryAfter } = begun
    return { outcome: 'refused', reason: 'AUTHENTICATION_RATE_EXCEEDED', retryAfter }
  }
  let failed = false
  try {
    const result = await make()
    const reason = reasonOf(result)
    failed = reason !== undefined && isFailure(reason)
    return result
  } finally {
    begun.end(failed)
  }
}

function isFailure(reason: ErrorName): boolean {
  return !lapsed.has(reason) && errorTable[reason].status === 401
}
