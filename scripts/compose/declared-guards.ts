import { dirname, isAbsolute, relative } from 'node:path'
import { withDeclarations } from '../../gateway/authorization/declarations.ts'
import type { SubgraphSource } from '../../gateway/authorization/declarations.ts'
import type { LoadedSubgraph } from './load-schemas.ts'

/**
 * Returns the supergraph with a comment as its last line, which says where in the subgraphs its guards
 * are declared: composition drops it, and `npm run explain` and the gateway's explanations report it.
 *
 * @param config the path of supergraph.yaml, to which the paths of the schema files are relative
 */
export function withDeclaredGuards(
  sdl: string,
  loaded: readonly LoadedSubgraph[],
  config: string,
): string {
  return withDeclarations(
    sdl,
    loaded.map((subgraph) => subgraphSource(subgraph, dirname(config))),
  )
}

/** @param folder paths of files within it are relative to it */
export function subgraphSource(
  { name, sdl, locate }: LoadedSubgraph,
  folder: string,
): SubgraphSource {
  const { file, line = 1 } = locate(1, 1)
  const named = isAbsolute(file) ? relative(folder, file) : file
  return { subgraph: name, file: named, firstLine: line, sdl }
}
