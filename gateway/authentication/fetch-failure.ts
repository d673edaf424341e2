import type { FetchedDocument } from './fetched-document.ts'

interface FetchFailureOptions {
  cause?: unknown
  status?: number | undefined
  lastGood?: FetchedDocument | undefined
}

/** Why a document could not be fetched: a sentence for the log, without content of the document. */
export class FetchFailure extends Error {
  override name = 'FetchFailure'
  /** The HTTP status, if there was a response. */
  readonly status: number | undefined
  /** The newest version that another process fetched earlier: a caller may have an older one. */
  readonly lastGood: FetchedDocument | undefined

  constructor(message: string, { cause, status, lastGood }: FetchFailureOptions = {}) {
    super(message, { cause })
    this.status = status
    this.lastGood = lastGood
  }
}
