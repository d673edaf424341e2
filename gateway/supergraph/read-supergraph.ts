import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { joinedSubgraphs } from '../graphql/supergraph-directives.ts'

/** A composed supergraph, read from a file and not yet loaded by an executor. */
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
  | { outcome: 'read'; supergraph: Supergraph }
  | { outcome: 'unchanged' }
  | { outcome: 'unusable'; sentence: string }

/**
 * Reads a supergraph file; a problem is returned as a sentence that says how to correct it.
 *
 * @param last the text that was read before
 */
export function readSupergraph(path: string, last?: string): ReadSupergraph {
  const bytes = readBytes(path)
  if (bytes === undefined) {
    return unusable(`the supergraph ${path} cannot be read: make it with \`npm run compose\``)
  }
  if (!isUtf8(bytes)) {
    return unusable(`the supergraph ${path} is not UTF-8: make it anew with \`npm run compose\``)
  }
  const text = bytes.toString('utf8')
  if (text === last) return { outcome: 'unchanged' }
  const document = parseText(text)
  if (document === undefined) {
    return unusable(`the supergraph ${path} is not GraphQL: make it anew with \`npm run compose\``)
  }
  const subgraphs = joinedSubgraphs(document)
  if (subgraphs.length === 0) {
    return unusable(
      `${path} is a schema, but no supergraph (no join__Graph): compose it with \`npm run compose\``,
    )
  }
  const astray = subgraphs.find(({ url }) => !isHttpUrl(url))
  if (astray) {
    return unusable(
      `the supergraph ${path} gives subgraph ${astray.name} the routing URL ` +
        `${JSON.stringify(astray.url)}: it has to be an http(s) URL, set in supergraph.yaml`,
    )
  }
  return { outcome: 'read', supergraph: { sdl: text, document, subgraphs } }
}

function readBytes(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
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
