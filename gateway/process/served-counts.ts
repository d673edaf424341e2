/** What has been served since the start, as `/health` shows it. */
export interface ServedCounts {
  readonly requests: { answered: number }
  readonly tokens: { accepted: number; refused: number }
}

/** Returns the counts of a process that has served nothing yet. */
export function nothingServed(): ServedCounts {
  return { requests: { answered: 0 }, tokens: { accepted: 0, refused: 0 } }
}

/** Returns the sum of the counts. */
export function sumOfCounts(one: ServedCounts, other: ServedCounts): ServedCounts {
  return {
    requests: { answered: one.requests.answered + other.requests.answered },
    tokens: {
      accepted: one.tokens.accepted + other.tokens.accepted,
      refused: one.tokens.refused + other.tokens.refused,
    },
  }
}
