/** What may have changed since an access token was verified: the time, and its revocation. */
import { refusedBy } from './judgement.ts'
import type { Accepted, Judgement, NowOrLater, Refused } from './judgement.ts'

/** Returns the judgement as it is now: an accepted token may have expired or been revoked since. */
export function checkAgain(judgement: Judgement, now: number): NowOrLater<Judgement> {
  if (judgement.outcome === 'refused') return judgement
  if (now >= judgement.expiresAt) return refused('TOKEN_EXPIRED', judgement)
  if (now > judgement.tooOldAt) return refused('TOKEN_TOO_OLD', judgement)
  return judgement.revocable ? checkRevocation(judgement) : judgement
}

/** The documents are usually in memory; the first use of one may have to wait for it. */
function checkRevocation(judgement: Accepted): NowOrLater<Judgement> {
  const { issuer, revocable, description } = judgement
  try {
    const waiting = revocable && issuer.revocation?.refuseRevoked(revocable)
    if (!waiting) return judgement
    return waiting.then(
      () => judgement,
      (error) => refusedBy(error, description),
    )
  } catch (error) {
    return refusedBy(error, description)
  }
}

function refused(reason: 'TOKEN_EXPIRED' | 'TOKEN_TOO_OLD', { description }: Accepted): Refused {
  return { outcome: 'refused', reason, description }
}
