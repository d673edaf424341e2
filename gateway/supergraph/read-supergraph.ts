import { parse } from 'graphql'
import type { DocumentNode } from 'graphql'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
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

/** Thrown when the first supergraph cannot be used; the message is a sentence for the operator. */
export class SupergraphUnusable extends StartFailure {}

/**
 * Reads the text of a supergraph; throws SupergraphUnusable with a sentence that says how to correct it.
 *
 * @param name what the supergraph is called in that sentence
 */
export function readSupergraph(text: string, name: string): Supergraph {
  const document = parseText(text)
  if (document === undefined) {
    throw new SupergraphUnusable(
      `the supergraph ${name} is not GraphQL: make it anew with \`${productCommand('compose')}\``,
    )
  }
  const subgraphs = joinedSubgraphs(document)
  if (subgraphs.length === 0) {
    throw new SupergraphUnusable(
      `${name} is a schema, but no supergraph (no join__Graph): compose it with \`${productCommand('compose')}\``,
    )
  }
  const astray = subgraphs.find(({ url }) => !isHttpUrl(url))
  if (astray) {
    throw new SupergraphUnusable(
      `the supergraph ${name} gives subgraph ${astray.name} the routing URL ` +
        `${JSON.stringify(astray.url)}: it has to be an http(s) URL, set in supergraph.yaml`,
    )
  }
  return { sdl: text, document, subgraphs }
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
