import { isUtf8 } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { parse, Kind } from 'graphql'
import type { ConstDirectiveNode, DocumentNode } from 'graphql'

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
  const subgraphs = subgraphLocations(document)
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

/** `enum join__Graph { USERS @join__graph(name: "users", url: "http://...") }` */
function subgraphLocations(document: DocumentNode): SubgraphLocation[] {
  const graphs = document.definitions.find(
    (definition) =>
      definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph',
  )
  if (graphs?.kind !== Kind.ENUM_TYPE_DEFINITION) return []
  return (graphs.values ?? []).flatMap((value) => {
    const join = value.directives?.find((directive) => directive.name.value === 'join__graph')
    return join ? [{ name: stringArgument(join, 'name'), url: stringArgument(join, 'url') }] : []
  })
}

function stringArgument(directive: ConstDirectiveNode, name: string): string {
  const value = directive.arguments?.find((argument) => argument.name.value === name)?.value
  return value?.kind === Kind.STRING ? value.value : ''
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
