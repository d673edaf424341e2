/** Steps through a list that the graph returns in pages. */
export interface PagesProps {
  /** What the pages list, for the names of the buttons. */
  readonly of: string
  /** Where the shown page begins; undefined for the first one. */
  readonly after: string | undefined
  /** Where the next one begins; null if there is none. */
  readonly endCursor: string | null
  readonly onAfter: (after: string | undefined) => void
}

export function Pages({ of, after, endCursor, onAfter }: PagesProps) {
  if (after === undefined && endCursor === null) return null
  return (
    <p class="actions">
      <button type="button" disabled={after === undefined} onClick={() => onAfter(undefined)}>
        First page <span class="unseen">of the {of}</span>
      </button>
      <button
        type="button"
        disabled={endCursor === null}
        onClick={() => onAfter(endCursor ?? undefined)}
      >
        Next page <span class="unseen">of the {of}</span>
      </button>
    </p>
  )
}
