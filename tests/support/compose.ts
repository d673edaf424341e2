import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'

export interface SubgraphSource {
  name: string
  url: string
  sdl: string
}

const composed = new Map<string, string>()

/**
 * Returns the supergraph SDL of these subgraphs, the same ones composed once; a composition error fails
 * the test.
 */
export function compose(subgraphs: readonly SubgraphSource[]): string {
  const key = JSON.stringify(subgraphs)
  const known = composed.get(key)
  if (known !== undefined) return known
  const { supergraphSdl, errors } = composeServices(
    subgraphs.map(({ name, url, sdl }) => ({ name, url, typeDefs: parse(sdl) })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  composed.set(key, supergraphSdl)
  return supergraphSdl
}
