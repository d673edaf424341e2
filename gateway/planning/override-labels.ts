/** Progressive `@override(label:)`: which requests take a field from its new subgraph. */

/** How labels are decided. */
export interface OverrideDecisions {
  /** Returns whether a label that is no `percent(...)` is on; default: off. */
  isLabelOn?: (label: string) => boolean
  /** A number from 0 to 1, for `percent(...)`; default Math.random. */
  random?: () => number
}

/** Returns a function that gives the labels that are on for one request, in order. */
export function overrideLabelsOn(
  labels: readonly string[],
  { isLabelOn = () => false, random = Math.random }: OverrideDecisions,
): () => readonly string[] {
  if (labels.length === 0) return () => labels
  const decisions = [...labels].sort().map((label) => {
    const share = /^percent\((\d+(?:\.\d+)?)\)$/.exec(label)?.[1]
    return { label, isOn: share ? () => random() * 100 < Number(share) : () => isLabelOn(label) }
  })
  return () => decisions.filter(({ isOn }) => isOn()).map(({ label }) => label)
}
