import type { FetchedDocument } from './fetched-document.ts'

interface FetchFailureOptions {
  cause?: unknown
  status?: number | undefined
  lastGood?: FetchedDocument | undefined
}

/** Why a document could not be had: a sentence for the log, without the document in it. */
export class FetchFailure extends Error {
  override name = 'FetchFailure'
  /** The HTTP status, if there was a response. */
  readonly status: number | undefined
  /** The newest version that another process fetched earlier, for a caller that has none as new. */
  readonly lastGood: FetchedDocument | undefined

  constructor(message: string, { cause, status, lastGood }: FetchFailureOptions = {}) {
    super(message, { cause })
    this.status = status
    this.lastGood = lastGood
  }
}
