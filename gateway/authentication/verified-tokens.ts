/**
 * The judgements of access tokens, remembered: accepted tokens until they expire, refused ones for a
 * moment.
 *
 * The two are kept apart, so that a flood of bad tokens pushes out no good one. Their key is a
 * digest: the text of a token is a credential and is not kept.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Span } from '../client-request.ts'
import { judgeAttempt } from './attempt.ts'
import type { BeginAttempt } from './attempt.ts'
import type { Accepted, Judgement, NowOrLater, Refused } from './judgement.ts'
import type { AuthenticationMetrics, CacheResult } from './metrics.ts'
import { accessTokenColumns } from './token-refused.ts'

export interface VerifiedTokensOptions {
  /** How many verified tokens are remembered, and as many refused ones. */
  entries: number
  /** How long a refused token is remembered, in milliseconds. */
  refusedFor: number
}

export interface VerifiedTokensParts {
  /** Judges a token that is not remembered. */
  judge: (text: string) => Promise<Judgement>
  now: () => number
  metrics: Pick<AuthenticationMetrics, 'cache' | 'introspected'>
  /** Undefined: failed authentications are not limited. */
  beginAttempt?: BeginAttempt | undefined
}

/** Returns the SHA-256 digest of a token's text. */
export function tokenDigest(text: string): string {
  return hash('sha256', text, 'base64')
}

/** Returns the remembered judgements; without options, each token is judged each time. */
export function verifiedTokens(
  options: VerifiedTokensOptions | undefined,
  { judge, now, metrics, beginAttempt }: VerifiedTokensParts,
) {
  if (!options) {
    return {
      judge: (text: string, _span?: Span, address?: string) => limited(address, () => judge(text)),
      forgetRefusals() {},
    }
  }
  const { entries, refusedFor } = options
  const accepted = new LRUCache<string, Accepted>({ max: entries })
  const refused = new LRUCache<string, { judgement: Refused; until: number }>({ max: entries })
  const inProgress = new Map<string, Promise<Judgement>>()

  return {
    /**
     * Returns the judgement of an access token, now where it is remembered.
     * @param address where it comes from; undefined: its failure is not counted
     */
    judge(text: string, span?: Span, address?: string): NowOrLater<Judgement> {
      const digest = tokenDigest(text)
      if (!beginAttempt || known(digest)) return lookUp(digest, text, span)
      return limited(address, () => lookUp(digest, text, span))
    },
    /** Forgets what was refused: with other keys the judgement may differ. */
    forgetRefusals: () => refused.clear(),
  }

  function known(digest: string): Accepted | undefined {
    const judgement = accepted.get(digest)
    return judgement && isCurrent(judgement, now) ? judgement : undefined
  }

  function lookUp(digest: string, text: string, span: Span | undefined): NowOrLater<Judgement> {
    const judgement = known(digest)
    if (judgement) {
      noteLookup('hit', span)
      if (!judgement.key) metrics.introspected('remembered')
      return judgement
    }
    const refusal = refused.get(digest)
    if (refusal && now() < refusal.until) {
      noteLookup('refused', span)
      return refusal.judgement
    }
    const running = inProgress.get(digest)
    noteLookup(running ? 'shared' : 'miss', span)
    return running ?? judgeOnce(digest, text)
  }

  function noteLookup(result: CacheResult, span: Span | undefined): void {
    metrics.cache(result)
    span?.set('portcullis.cache', result)
  }

  /** Concurrent requests with the same token share the judgement. */
  function judgeOnce(digest: string, text: string): Promise<Judgement> {
    const running = judge(text)
      .then((judgement) => remember(digest, judgement))
      .finally(() => inProgress.delete(digest))
    inProgress.set(digest, running)
    return running
  }

  function remember(digest: string, judgement: Judgement): Judgement {
    if (judgement.outcome === 'accepted') accepted.set(digest, judgement)
    else if (accessTokenColumns(judgement.reason)?.remembered) {
      refused.set(digest, { judgement, until: now() + refusedFor })
    }
    return judgement
  }

  function limited(
    address: string | undefined,
    judge: () => NowOrLater<Judgement>,
  ): NowOrLater<Judgement> {
    if (!beginAttempt || address === undefined) return judge()
    return judgeAttempt(beginAttempt, address, judge)
  }
}

/**
 * Returns whether its key is still in the key set, or what its issuer said still counts; if not, the token is
 * verified again.
 */
export function isCurrent({ issuer, key, verifiedUntil }: Accepted, now: () => number): boolean {
  if (key) return issuer.keys?.current(key.keyId) === key
  return verifiedUntil !== undefined && now() < verifiedUntil
}
