/**
 * What was judged before: verified tokens until they expire, refused ones for a moment.
 *
 * The two are kept apart, so that a flood of bad tokens pushes out no good one. Their key is a
 * digest: the text of a token is a credential and is not kept.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'

export interface VerifiedTokensOptions {
  /** How many verified tokens are remembered, and as many refused ones. */
  entries: number
  /** How long a refused token is remembered, in milliseconds. */
  refusedFor: number
}

export interface VerifiedTokens<Accepted extends object, Refused extends object> {
  accepted(digest: string): Accepted | undefined
  refused(digest: string): Refused | undefined
  /** Runs the judgement once for all who ask about the same token meanwhile. */
  judge(
    digest: string,
    judgement: () => Promise<Judgement<Accepted, Refused>>,
  ): Promise<Judgement<Accepted, Refused>>
  /** Forgets what was refused: with other keys the answer may be another. */
  forgetRefusals(): void
}

export type Judgement<Accepted, Refused> =
  | { readonly outcome: 'accepted'; readonly entry: Accepted }
  | { readonly outcome: 'refused'; readonly entry: Refused; readonly lasting: boolean }

/** Returns the SHA-256 digest of a token's text. */
export function tokenDigest(text: string): string {
  return hash('sha256', text, 'base64')
}

export function verifiedTokens<Accepted extends object, Refused extends object>(
  { entries, refusedFor }: VerifiedTokensOptions,
  now: () => number,
): VerifiedTokens<Accepted, Refused> {
  const accepted = new LRUCache<string, Accepted>({ max: entries })
  const refused = new LRUCache<string, { entry: Refused; until: number }>({ max: entries })
  const underWay = new Map<string, Promise<Judgement<Accepted, Refused>>>()

  return {
    accepted: (digest) => accepted.get(digest),
    refused(digest) {
      const remembered = refused.get(digest)
      return remembered && now() < remembered.until ? remembered.entry : undefined
    },
    judge(digest, judgement) {
      const running = underWay.get(digest)
      if (running) return running
      const judged = judgement()
        .then((result) => {
          remember(digest, result)
          return result
        })
        .finally(() => underWay.delete(digest))
      underWay.set(digest, judged)
      return judged
    },
    forgetRefusals: () => refused.clear(),
  }

  function remember(digest: string, judgement: Judgement<Accepted, Refused>): void {
    if (judgement.outcome === 'accepted') accepted.set(digest, judgement.entry)
    else if (judgement.lasting) {
      refused.set(digest, { entry: judgement.entry, until: now() + refusedFor })
    }
  }
}
