import { readFile } from 'node:fs/promises'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { displayPath } from '../compose/problem.ts'
import { faultOfName } from '../compose/supergraph-config.ts'
import { readYaml } from '../compose/yaml-file.ts'

/**
 * Throws a StartFailure for a name that is not valid, and for one that is not in the list of subgraphs:
 * the key of a mistyped name would be useless. Without a list, any valid name is accepted.
 *
 * @param config the given list; the default one may be missing
 */
export async function refuseUnknownSubgraph(name: string, config?: string): Promise<void> {
  const fault = faultOfName(name)
  if (fault !== undefined) throw new StartFailure(`${JSON.stringify(name)} ${fault}`)
  const path = config ?? 'supergraph.yaml'
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (config === undefined && cause.code === 'ENOENT') return undefined
    throw new StartFailure(`${path} cannot be read (${cause.code}): name the list with --config`, {
      cause,
    })
  })
  const names = text === undefined ? undefined : namesIn(text)
  if (names === undefined || names.includes(name)) return
  throw new StartFailure(
    `${displayPath(path)} has no subgraph ${JSON.stringify(name)}, only ${names.join(', ')}: ` +
      'add it there, or name another list with --config',
  )
}

/** Returns the names in a supergraph.yaml; undefined if it lists none. */
function namesIn(text: string): string[] | undefined {
  const content = readYaml(text).content as { subgraphs?: unknown } | undefined | null
  const subgraphs = content?.subgraphs
  if (typeof subgraphs !== 'object' || subgraphs === null) return undefined
  return Object.keys(subgraphs)
}
