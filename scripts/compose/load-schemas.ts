import { readFile } from 'node:fs/promises'
import type { GatewayHeaders } from './gateway-headers.ts'
import { introspectSubgraph } from './introspect-subgraph.ts'
import { displayPath } from './problem.ts'
import type { Place, Problem } from './problem.ts'
import type { SubgraphConfig } from './supergraph-config.ts'
import { decodeUtf8 } from './utf8.ts'

/** A subgraph with everything that composition needs. */
export interface LoadedSubgraph {
  readonly name: string
  readonly url: string
  readonly sdl: string
  /** Returns the place of a position in the SDL, for messages. */
  locate(line?: number, column?: number): Place
}

export interface LoadedSchemas {
  readonly loaded: readonly LoadedSubgraph[]
  readonly problems: readonly Problem[]
}

/**
 * Returns the schemas of all subgraphs, read and introspected in parallel.
 *
 * @param ofGateway signs the request to a running subgraph
 */
export async function loadSchemas(
  subgraphs: readonly SubgraphConfig[],
  ofGateway?: GatewayHeaders,
): Promise<LoadedSchemas> {
  const results = await Promise.all(subgraphs.map((config) => loadSchema(config, ofGateway)))
  return {
    loaded: results.flatMap((result) => ('sdl' in result ? [result] : [])),
    problems: results.flatMap((result) => ('sdl' in result ? [] : [result])),
  }
}

async function loadSchema(
  config: SubgraphConfig,
  ofGateway?: GatewayHeaders,
): Promise<LoadedSubgraph | Problem> {
  const { name, routingUrl: url, schema, place } = config
  if (schema.from === 'text') {
    const { sdl, firstLine } = schema
    return { name, url, sdl, locate: textLocator(place, firstLine) }
  }
  if (schema.from === 'file') {
    const read = await readSchemaFile(schema.path)
    if ('cause' in read) return unavailable(place, fileSentence(schema.path, read.cause))
    const decoded = decodeUtf8(read.bytes)
    const file = { file: schema.path, subgraph: name }
    if ('text' in decoded) return { name, url, sdl: decoded.text, locate: locator(file) }
    const message = `${displayPath(schema.path)} is not UTF-8: save it in that encoding`
    return unavailable({ ...file, line: decoded.invalidLine }, message)
  }
  const introspection = await introspectSubgraph(schema.url, schema.headers, ofGateway?.(name))
  if (introspection.outcome === 'failed') return unavailable(place, introspection.sentence)
  return {
    name,
    url,
    sdl: introspection.sdl,
    locate: locator({ file: schema.url, subgraph: name }),
  }
}

function locator(place: Place): LoadedSubgraph['locate'] {
  return (line, column) => ({ ...place, ...(line && column ? { line, column } : {}) })
}

/** A text in supergraph.yaml: its lines are lines of that file, with more indentation. */
function textLocator(place: Place, firstLine: number | undefined): LoadedSubgraph['locate'] {
  return (line) => (line && firstLine ? { ...place, line: firstLine + line - 1 } : place)
}

type ReadFile = { readonly bytes: Uint8Array } | { readonly cause: NodeJS.ErrnoException }

async function readSchemaFile(path: string): Promise<ReadFile> {
  try {
    return { bytes: await readFile(path) }
  } catch (cause) {
    return { cause: cause as NodeJS.ErrnoException }
  }
}

function fileSentence(path: string, { code }: NodeJS.ErrnoException): string {
  const reasons: Record<string, string> = {
    ENOENT: 'is not there',
    EISDIR: 'is a folder',
    EACCES: 'may not be read by this user',
  }
  return `the schema file ${displayPath(path)} ${reasons[code ?? ''] ?? `cannot be read (${code})`}`
}

function unavailable(place: Place, message: string): Problem {
  return { code: 'SCHEMA_UNAVAILABLE', message, places: [place] }
}
