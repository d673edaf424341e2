/** Progressive `@override(label:)`: which requests take a field from its new subgraph. */

/**
 * Returns a function that gives the labels that are on for one request, in order: `percent(...)` is drawn
 * for each request, other labels are off.
 */
export function overrideLabelsOn(
  labels: readonly string[],
  random = Math.random,
): () => readonly string[] {
  if (labels.length === 0) return () => labels
  const shares = [...labels].sort().flatMap((label) => {
    const share = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1]
    return share ? [{ label, share: Number(share) }] : []
  })
  return () => shares.filter(({ share }) => random() * 100 < share).map(({ label }) => label)
}
