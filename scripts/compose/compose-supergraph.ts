/** Composes the text of a supergraph from supergraph.yaml. Writes no file. */
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { composeInThread } from './compose-in-thread.ts'
import type { ComposedProblem, CompositionMessage } from './composition-messages.ts'
import { withDeclaredGuards } from './declared-guards.ts'
import { gatewayHeadersOf } from './gateway-headers.ts'
import { loadSchemas } from './load-schemas.ts'
import type { LoadedSubgraph } from './load-schemas.ts'
import type { Hint, Problem } from './problem.ts'
import { readSupergraphConfig } from './supergraph-config.ts'
import type { Environment, SubgraphConfig } from './supergraph-config.ts'
import { decodeUtf8 } from './utf8.ts'

export interface Sources {
  /** The names, in the order of the file. */
  readonly subgraphs: readonly string[]
  /** The files on which the outcome depends; some may be missing. */
  readonly files: readonly string[]
  /** Whether it also depends on the introspected schema of a running subgraph. */
  readonly introspected: boolean
}

export type Composition = Sources &
  (
    | {
        readonly outcome: 'composed'
        readonly sdl: string
        readonly hints: readonly Hint[]
        readonly loaded: readonly LoadedSubgraph[]
      }
    | { readonly outcome: 'failed'; readonly errors: readonly Problem[] }
  )

/** Composes subgraphs. */
export type Composer = (subgraphs: readonly LoadedSubgraph[]) => Promise<CompositionMessage>

/** Returns the supergraph, or all problems. A missing supergraph.yaml is a StartFailure. */
export async function composeSupergraph(
  config: string,
  environment: Environment,
  compose: Composer = composeInThread,
): Promise<Composition> {
  const file = resolve(config)
  const reading = readSupergraphConfig(file, await readConfigFile(config), {
    environment,
    federationVersion: installedFederationVersion(),
  })
  const sources = sourcesOf(file, reading.subgraphs)
  const ofGateway = sources.introspected ? gatewayHeadersOf(environment) : undefined
  const { loaded, problems } = await loadSchemas(reading.subgraphs, ofGateway)
  const errors = [...reading.problems, ...problems]
  if (errors.length > 0) return { outcome: 'failed', errors, ...sources }

  const composed = await compose(loaded)
  if (composed.outcome === 'failed') {
    const errors = composed.errors.map((error) => locate(error, loaded))
    return { outcome: 'failed', errors, ...sources }
  }
  const located = composed.hints.map((hint) => ({ ...locate(hint, loaded), level: hint.level }))
  const hints = [...reading.hints, ...located]
  const sdl = withDeclaredGuards(composed.sdl, loaded, file)
  return { outcome: 'composed', sdl, hints, loaded, ...sources }
}

async function readConfigFile(path: string): Promise<string> {
  const decoded = decodeUtf8(await readBytes(path))
  if ('text' in decoded) return decoded.text
  throw new StartFailure(`${path}:${decoded.invalidLine} is not UTF-8: save it in that encoding`)
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new StartFailure(
      code === 'ENOENT'
        ? `${path} is not there: it lists the subgraphs; make one, or name it with --config`
        : `${path} cannot be read (${code}): mend its permissions, or name another with --config`,
      { cause },
    )
  }
}

function installedFederationVersion(): string {
  const require = createRequire(import.meta.url)
  return (require('@apollo/composition/package.json') as { version: string }).version
}

function sourcesOf(file: string, subgraphs: readonly SubgraphConfig[]): Sources {
  return {
    subgraphs: subgraphs.map(({ name }) => name),
    files: [
      file,
      ...subgraphs.flatMap(({ schema }) => (schema.from === 'file' ? [schema.path] : [])),
    ],
    introspected: subgraphs.some(({ schema }) => schema.from === 'subgraph'),
  }
}

/** Turns positions in a subgraph's SDL into places in files. */
function locate(problem: ComposedProblem, subgraphs: readonly LoadedSubgraph[]): Problem {
  const { code, message, positions } = problem
  const places = positions.flatMap(({ subgraph, line, column }) => {
    const found = subgraphs.find(({ name }) => name === subgraph)
    return found ? [found.locate(line, column)] : []
  })
  return { code, message, places }
}
