/** A document as it was fetched. */
export interface FetchedDocument {
  readonly body: string
  /** Names this version of the document for a later conditional request. */
  readonly etag: string | undefined
  /** How long the sender says that it is fresh, in milliseconds. */
  readonly maxAge: number | undefined
  /** How long ago it was fetched, in milliseconds, if another process did so. */
  readonly age?: number
}

/** The response to a conditional request whose version is the newest. */
export interface UnchangedDocument {
  readonly unchanged: true
  /** As above. */
  readonly age?: number
}
