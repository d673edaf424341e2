/** Reports operations that are in no manifest: each once, with the nearest known one. */
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { runInSlices } from '../slices.ts'
import type { KnownOperations } from './known-operations.ts'
import { nearestOperation } from './nearest-operation.ts'
import type { NearestOperation } from './nearest-operation.ts'

export interface UnknownOperationsOptions<About> {
  readonly known: () => KnownOperations | undefined
  /** Called once per text, with what is known of the request that had it. The text may have secrets in it. */
  readonly report: (text: string, about: About, nearest: NearestOperation | undefined) => void
  /** Called when there are more than can be reported. */
  readonly onTooMany: () => void
}

/** How many texts are remembered as reported: beyond that, one may be reported again. */
const mostRemembered = 2_000
/** How many are reported in a minute: the texts come from clients. */
const mostReported = 60
const minute = 60_000

/** Returns the function that reports a text, unless it has been reported. */
export function unknownOperations<About>(options: UnknownOperationsOptions<About>) {
  const { known, report, onTooMany } = options
  const reported = new LRUCache<string, true>({ max: mostRemembered })
  let since = 0
  let count = 0
  let searching = Promise.resolve()

  return (text: string, about: About): void => {
    const hash = createHash('sha256').update(text).digest('base64url')
    if (reported.has(hash) || !isWithinLimit()) return
    reported.set(hash, true)
    // One after the other, in slices: no request waits for it.
    searching = searching.then(async () => {
      report(text, about, await runInSlices(nearestOperation(text, known() ?? [])))
    })
  }

  function isWithinLimit(): boolean {
    const now = performance.now()
    if (now - since > minute) {
      since = now
      count = 0
    }
    if (++count === mostReported + 1) onTooMany()
    return count <= mostReported
  }
}
