/** A graph that is hard to plan: subgraphs that share nearly all fields of one entity. */
import type { SubgraphSource } from './compose.ts'

/** Returns the subgraphs: each lacks one pair of fields, `n0` and `f0` to `n6` and `f6`. */
export function sharedNodes(url: string, count = 7): SubgraphSource[] {
  const all = Array.from({ length: count }, (_, index) => index)
  return all.map((lacking) => {
    const fields = all
      .filter((index) => index !== lacking)
      .map((index) => `n${index}: Node @shareable f${index}: String @shareable`)
    return {
      name: `s${lacking}`,
      url,
      sdl: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
        ${lacking === 0 ? 'type Query { node: Node nodes: [Node] }' : ''}
        type Node @key(fields: "id0") { id0: ID! ${fields.join(' ')} }`,
    }
  })
}

/** Returns an operation that is short, and for whose plan the planner would search for years. */
export function endlessOperation(name: string, depth = 11): string {
  const fragments = Array.from(
    { length: depth },
    (_, index) =>
      `fragment F${index} on Node { a: n1 { ...F${index + 1} } b: n2 { ...F${index + 1} } }`,
  )
  return `query ${name} { node { ...F0 } } ${fragments.join(' ')} fragment F${depth} on Node { f0 }`
}
