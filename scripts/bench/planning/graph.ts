/** A graph of many subgraphs, and operations on it. */
import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { composeInThread } from '../../compose/compose-in-thread.ts'

export interface GraphSize {
  /** How many subgraphs. */
  readonly subgraphs: number
  /** How many types each adds. */
  readonly types: number
}

/** Returns the supergraph. A thread composes it, so that this thread has loaded only what a gateway loads. */
export async function composedGraph(size: GraphSize, version: number): Promise<string> {
  const composed = await composeInThread(
    Array.from({ length: size.subgraphs }, (_, index) => ({
      name: `s${index}`,
      url: `http://s${index}.test`,
      sdl: subgraph(index, size, version),
    })),
  )
  if (composed.outcome === 'composed') return composed.sdl
  throw new Error(composed.errors.map(({ message }) => message).join('\n'))
}

/** Each subgraph has its own types, extends those of the next subgraph, and links to them. */
function subgraph(index: number, size: GraphSize, version: number): string {
  const next = (index + 1) % size.subgraphs
  const types = Array.from({ length: size.types }, (_, type) => {
    const name = `T${index}_${type}`
    const other = `T${next}_${type}`
    return `
      type ${name} @key(fields: "id") { id: ID! name: String size(unit: String): Int next: ${other} }
      type ${other} @key(fields: "id") { id: ID! seenBy${index}: String }`
  })
  return `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
    type Query { all${index}: [T${index}_0!]! one${index}(id: ID!): T${index}_1 version${version}: Int }
    ${types.join('')}`.replaceAll(
    `version${version}: Int`,
    index === 0 ? `version${version}: Int` : '',
  )
}

/** Returns typical operations: each needs several subgraphs. */
export function usualOperations(count: number, { subgraphs }: GraphSize): DocumentNode[] {
  return Array.from({ length: count }, (_, index) => {
    const root = index % subgraphs
    return parse(`query Usual${index}($id: ID!) {
      all${root} { ${hop(root, 1 + (index % 3), subgraphs)} }
      one${root}(id: $id) { id name }
    }`)
  })
}

/** Returns an operation that goes from many subgraphs through the next ones. */
export function largeOperation(depth: number, { subgraphs }: GraphSize): DocumentNode {
  const roots = Array.from({ length: Math.min(subgraphs, 12) }, (_, index) => {
    return `all${index} { ${hop(index, depth, subgraphs)} }`
  })
  return parse(`{ ${roots.join(' ')} }`)
}

function hop(index: number, depth: number, subgraphs: number): string {
  if (depth === 0) return 'id'
  const further = hop((index + 1) % subgraphs, depth - 1, subgraphs)
  return `id name size next { seenBy${index} ${further} }`
}
