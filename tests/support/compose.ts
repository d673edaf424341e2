import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'

export interface SubgraphSource {
  name: string
  url: string
  sdl: string
}

/** Returns the supergraph SDL of these subgraphs; a composition error fails the test. */
export function compose(subgraphs: readonly SubgraphSource[]): string {
  const { supergraphSdl, errors } = composeServices(
    subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  return supergraphSdl
}
