import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { benchSubgraphs } from './subgraphs.ts'

/** Returns the supergraph of the benchmark's subgraphs, with guards or without. */
export function composed(
  origins: Readonly<Record<string, string>>,
  sdl: 'sdl' | 'guardedSdl',
): string {
  const { supergraphSdl, errors } = composeServices(
    benchSubgraphs().map((subgraph) => ({
      name: subgraph.name,
      url: origins[subgraph.name]!,
      typeDefs: parse(subgraph[sdl]),
    })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  return supergraphSdl
}
