import { dirname } from 'node:path'
import type { SubgraphSource } from '../../gateway/authorization/declarations.ts'
import { subgraphSource } from '../compose/declared-guards.ts'
import { loadSchemas } from '../compose/load-schemas.ts'
import { readSupergraphConfig } from '../compose/supergraph-config.ts'
import type { Environment } from '../compose/supergraph-config.ts'

/**
 * Returns the schemas that supergraph.yaml references as files or contains. Its problems are left to
 * `npm run compose`: a schema that cannot be read only has no line numbers here.
 */
export async function readSubgraphSources(
  path: string,
  text: string,
  environment: Environment,
): Promise<SubgraphSource[]> {
  const { subgraphs } = readSupergraphConfig(path, text, { environment, federationVersion: '' })
  const { loaded } = await loadSchemas(subgraphs.filter(({ schema }) => schema.from !== 'subgraph'))
  return loaded.map((subgraph) => subgraphSource(subgraph, dirname(path)))
}
