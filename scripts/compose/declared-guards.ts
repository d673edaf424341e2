import { dirname, isAbsolute, relative } from 'node:path'
import { withDeclarations } from '../../gateway/authorization/declarations.ts'
import type { SubgraphSource } from '../../gateway/authorization/declarations.ts'
import type { LoadedSubgraph } from './load-schemas.ts'

/**
 * Returns the supergraph with a last line, a comment, that says where in the subgraphs its guards stand:
 * composition forgets it, and `npm run explain` and the gateway's explanations tell it.
 *
 * @param config the path of supergraph.yaml, from which the schema files are named
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

/** @param folder files within it are named from there */
export function subgraphSource(
  { name, sdl, locate }: LoadedSubgraph,
  folder: string,
): SubgraphSource {
  const { file, line = 1 } = locate(1, 1)
  const named = isAbsolute(file) ? relative(folder, file) : file
  return { subgraph: name, file: named, firstLine: line, sdl }
}
