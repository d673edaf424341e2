/** Why a document could not be had: a sentence for the log, without the document in it. */
export class FetchFailure extends Error {
  override name = 'FetchFailure'
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined

  constructor(message: string, options: { cause?: unknown; status?: number } = {}) {
    super(message, { cause: options.cause })
    this.status = options.status
  }
}
