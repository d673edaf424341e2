/** A graph that is hard to plan: subgraphs that share nearly all fields of one entity. */
import type { SubgraphSource } from './compose.ts'

export interface SharedNodesOptions {
  /** Whether one key leads into every subgraph. If not, every plan has to try more. */
  hasOneKey: boolean
}

const count = 7

/** Returns the subgraphs: each lacks one pair of fields, `n0` and `f0` to `n6` and `f6`. */
export function sharedNodes(url: string, { hasOneKey }: SharedNodesOptions): SubgraphSource[] {
  const all = Array.from({ length: count }, (_, index) => index)
  return all.map((lacking) => {
    const keys = hasOneKey ? ['id0'] : keysOfHalf(lacking)
    const fields = all
      .filter((index) => index !== lacking)
      .map((index) => `n${index}: Node @shareable f${index}: String @shareable`)
    return {
      name: `s${lacking}`,
      url,
      sdl: `
        extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable"])
        ${lacking === 0 ? 'type Query { node: Node nodes: [Node] }' : ''}
        type Node ${keys.map((key) => `@key(fields: "${key}")`).join(' ')} {
          ${keys.map((key) => `${key}: ID!`).join(' ')} ${fields.join(' ')}
        }`,
    }
  })
}

/** The subgraph in the middle leads from one half into the other. */
function keysOfHalf(index: number): string[] {
  const middle = Math.floor(count / 2)
  return [...(index <= middle ? ['id0'] : []), ...(index >= middle ? ['id1'] : [])]
}

/**
 * Returns an operation that is short, and asks for one field at many places: the planner has more than
 * six paths to each of them for every level above.
 */
export function nestedOperation(name: string, depth: number): string {
  const fragments = Array.from(
    { length: depth },
    (_, index) =>
      `fragment F${index} on Node { a: n1 { ...F${index + 1} } b: n2 { ...F${index + 1} } }`,
  )
  return `query ${name} { node { ...F0 } } ${fragments.join(' ')} fragment F${depth} on Node { f0 }`
}
