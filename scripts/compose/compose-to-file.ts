import { readFile } from 'node:fs/promises'
import { composeSupergraph } from './compose-supergraph.ts'
import type { Composer, Composition, Sources } from './compose-supergraph.ts'
import type { Report } from './report.ts'
import type { Environment } from './supergraph-config.ts'
import { writeFileAtomically } from './write-file-atomically.ts'

export interface ComposeOptions {
  /** The path of supergraph.yaml. */
  config: string
  /** The path of the supergraph. */
  output: string
  /** The variables for `${env.NAME}` in supergraph.yaml. */
  environment: Environment
  /** Default: composes in a worker thread. */
  compose?: Composer
}

export interface Composed {
  readonly report: Report
  readonly sources: Sources
}

/** Composes and writes the supergraph, unless the file is up to date. After an error, it writes nothing. */
export async function composeToFile(options: ComposeOptions): Promise<Composed> {
  const composition = await composeSupergraph(options.config, options.environment, options.compose)
  return writeComposition(composition, options)
}

/** Writes the supergraph of a composition, unless the file is up to date. After an error, it writes nothing. */
export async function writeComposition(
  composition: Composition,
  options: ComposeOptions,
): Promise<Composed> {
  if (composition.outcome === 'failed') return composed(composition, options, 'failed')
  if (composition.sdl === (await readIfThere(options.output))) {
    return composed(composition, options, 'unchanged')
  }
  await writeFileAtomically(options.output, composition.sdl)
  return composed(composition, options, 'composed')
}

/** Composes and reports whether the file on disk is up to date. Writes nothing. */
export async function compareWithFile(options: ComposeOptions): Promise<Composed> {
  const composition = await composeSupergraph(options.config, options.environment, options.compose)
  if (composition.outcome === 'failed') return composed(composition, options, 'failed')
  const current = composition.sdl === (await readIfThere(options.output))
  return composed(composition, options, current ? 'current' : 'not current')
}

function composed(
  composition: Composition,
  { output }: ComposeOptions,
  outcome: Report['outcome'],
): Composed {
  const { subgraphs, files, introspected } = composition
  return {
    report: {
      outcome,
      output,
      subgraphs,
      hints: composition.outcome === 'composed' ? composition.hints : [],
      errors: composition.outcome === 'failed' ? composition.errors : [],
    },
    sources: { subgraphs, files, introspected },
  }
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
