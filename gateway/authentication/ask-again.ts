/** What counts for an open connection when its issuer was asked again about its access token. */
import type { Accepted, Judgement } from './judgement.ts'

/** The shortest and the longest time until an issuer that is away is asked again, in milliseconds. */
const pause = { least: 1_000, most: 5_000 }

/**
 * Returns the judgement that counts now: while the issuer is away, the earlier one does, until `keptUntil`.
 * Connections are not asked about at the same time, so that they do not exceed together what may be in progress.
 */
export function askedAgain(earlier: Accepted, later: Judgement, now: number): Judgement {
  const { keptUntil = 0 } = earlier
  const isAway = later.outcome === 'refused' && later.reason === 'INTROSPECTION_UNAVAILABLE'
  if (!isAway || now >= keptUntil) return later
  const askAt = now + pause.least + Math.random() * (pause.most - pause.least)
  return { ...earlier, verifiedUntil: Math.min(askAt, keptUntil) }
}
