import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { composed } from './composed.ts'
import type { BenchSetting } from './setting.ts'

/** Returns the setting of a benchmark of this gateway alone: the supergraph with guards, in the folder. */
export function guardedSetting(
  { issuer, jwksUri, audience }: Pick<BenchSetting, 'issuer' | 'jwksUri' | 'audience'>,
  subgraphs: BenchSetting['subgraphs'],
  folder: string,
): BenchSetting {
  const supergraph = join(folder, 'supergraph.graphql')
  writeFileSync(supergraph, composed(subgraphs, 'guardedSdl'))
  const files = { supergraph, guardedSupergraph: supergraph, schemas: {}, peers: folder, folder }
  return { issuer, jwksUri, audience, subgraphs, ...files }
}
