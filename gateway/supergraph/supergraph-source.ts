/** Where a supergraph comes from, as one process sees it. */

/** The text of a supergraph, and its signature if it has one. */
export interface SupergraphCopy {
  readonly text: string
  /** A detached JWS over the text. */
  readonly signature?: string | undefined
}

export type SupergraphReading =
  | { readonly outcome: 'read'; readonly copy: SupergraphCopy }
  | {
      readonly outcome: 'unreadable'
      readonly sentence: string
      /** Whether the log has that sentence already. */
      readonly isReported: boolean
    }

export interface SupergraphSource {
  /** What it is called in messages: a path, or a URL without its query. */
  readonly name: string
  /** Whether a gateway may start without a supergraph: another one may come at any time. */
  readonly mayComeLater: boolean
  /** Returns what is there now. */
  read(): SupergraphReading
  /** Calls back after a change; returns the function that ends it. */
  watch(onChange: () => void): () => void
  readonly record: ServedRecord
}

/** What has served before, also before a restart, and in any process. */
export interface ServedRecord {
  /** Returns the last supergraph that served, if copies of this source are kept. */
  lastGood(): Promise<SupergraphCopy | undefined>
  /** Returns the signed version that served last: an older one is a rollback. */
  lastSigned(): Promise<SignedVersion | undefined>
  /** Reports that this supergraph serves. */
  served(supergraph: ServedSupergraph): void
}

/** A signed version of a supergraph: another text has a larger serial. */
export interface SignedVersion {
  readonly serial: number
  /** The SHA-256 digest of the text. */
  readonly digest: string
}

export interface ServedSupergraph {
  readonly digest: string
  /** Undefined: no signature was required. */
  readonly serial?: number | undefined
}
