import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { joinedSubgraphs } from '../graphql/supergraph-directives.ts'

/** A composed supergraph, read and not yet loaded by an executor. */
export interface Supergraph {
  readonly sdl: string
  readonly document: DocumentNode
  readonly subgraphs: readonly SubgraphLocation[]
}

export interface SubgraphLocation {
  /** The name in supergraph.yaml. */
  readonly name: string
  /** The routing URL. */
  readonly url: string
}

export type ReadSupergraph =
  { outcome: 'read'; supergraph: Supergraph } | { outcome: 'unusable'; sentence: string }

/**
 * Reads the text of a supergraph; a problem is returned as a sentence that says how to correct it.
 *
 * @param name what the supergraph is called in that sentence
 */
export function readSupergraph(text: string, name: string): ReadSupergraph {
  const document = parseText(text)
  if (document === undefined) {
    return unusable(`the supergraph ${name} is not GraphQL: make it anew with \`npm run compose\``)
  }
  const subgraphs = joinedSubgraphs(document)
  if (subgraphs.length === 0) {
    return unusable(
      `${name} is a schema, but no supergraph (no join__Graph): compose it with \`npm run compose\``,
    )
  }
  const astray = subgraphs.find(({ url }) => !isHttpUrl(url))
  if (astray) {
    return unusable(
      `the supergraph ${name} gives subgraph ${astray.name} the routing URL ` +
        `${JSON.stringify(astray.url)}: it has to be an http(s) URL, set in supergraph.yaml`,
    )
  }
  return { outcome: 'read', supergraph: { sdl: text, document, subgraphs } }
}

function parseText(text: string): DocumentNode | undefined {
  try {
    return parse(text, { noLocation: true })
  } catch {
    return undefined
  }
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol)
}

function unusable(sentence: string): ReadSupergraph {
  return { outcome: 'unusable', sentence }
}
