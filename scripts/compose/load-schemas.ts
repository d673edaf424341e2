import { readFile } from 'node:fs/promises'
import { introspectSubgraph } from './introspect-subgraph.ts'
import { displayPath } from './problem.ts'
import type { Place, Problem } from './problem.ts'
import type { SubgraphConfig } from './supergraph-config.ts'

/** A subgraph with everything that composition needs. */
export interface LoadedSubgraph {
  readonly name: string
  readonly url: string
  readonly sdl: string
  /** Returns where a position in the SDL is to be found by a person. */
  locate(line?: number, column?: number): Place
}

export interface LoadedSchemas {
  readonly loaded: readonly LoadedSubgraph[]
  readonly problems: readonly Problem[]
}

/** Returns the schemas of all subgraphs, read and asked for at the same time. */
export async function loadSchemas(subgraphs: readonly SubgraphConfig[]): Promise<LoadedSchemas> {
  const results = await Promise.all(subgraphs.map(loadSchema))
  return {
    loaded: results.flatMap((result) => ('sdl' in result ? [result] : [])),
    problems: results.flatMap((result) => ('sdl' in result ? [] : [result])),
  }
}

async function loadSchema(config: SubgraphConfig): Promise<LoadedSubgraph | Problem> {
  const { name, routingUrl: url, schema, place } = config
  if (schema.from === 'text') {
    const { sdl, firstLine } = schema
    return { name, url, sdl, locate: textLocator(place, firstLine) }
  }
  if (schema.from === 'file') {
    const sdl = await readSchemaFile(schema.path)
    if (typeof sdl !== 'string') return unavailable(place, fileSentence(schema.path, sdl))
    return { name, url, sdl, locate: locator({ file: schema.path, subgraph: name }) }
  }
  const answer = await introspectSubgraph(schema.url, schema.headers)
  if (answer.outcome === 'failed') return unavailable(place, answer.sentence)
  return { name, url, sdl: answer.sdl, locate: locator({ file: schema.url, subgraph: name }) }
}

function locator(place: Place): LoadedSubgraph['locate'] {
  return (line, column) => ({ ...place, ...(line && column ? { line, column } : {}) })
}

/** A text in supergraph.yaml: its lines are lines of that file, its columns are indented there. */
function textLocator(place: Place, firstLine: number | undefined): LoadedSubgraph['locate'] {
  return (line) => (line && firstLine ? { ...place, line: firstLine + line - 1 } : place)
}

async function readSchemaFile(path: string): Promise<string | NodeJS.ErrnoException> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    return cause as NodeJS.ErrnoException
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
