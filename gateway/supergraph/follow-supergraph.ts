/** Keeps what is made of a supergraph file up to date with the file. */
import type { Logger } from 'pino'
import { readSupergraph } from './read-supergraph.ts'
import type { ReadSupergraph, Supergraph } from './read-supergraph.ts'
import { watchSupergraph } from './watch-supergraph.ts'

export interface FollowOptions<Generation> {
  path: string
  /** Makes a generation, when there is one already, after it; a rejection leaves the last one serving. */
  create: (supergraph: Supergraph, previous?: Generation) => Promise<Generation>
  /** Ends a generation that has been replaced. */
  retire: (generation: Generation) => Promise<void>
  /** Told when a generation begins to serve, the first one included. */
  onServed?: () => void
  log: Logger
}

export interface FollowedSupergraph<Generation> {
  current(): Generation
  close(): Promise<void>
}

/** Thrown when the first supergraph cannot be used; the message is a sentence for the operator. */
export class SupergraphUnusable extends Error {
  override name = 'SupergraphUnusable'
}

/**
 * Returns the generation of the file as it is now and, after each change of it, of the file as it
 * has become. A file that cannot be used is reported and passed over.
 */
export async function followSupergraph<Generation>(
  options: FollowOptions<Generation>,
): Promise<FollowedSupergraph<Generation>> {
  const { path, create, retire, log } = options
  let sdl = ''
  let current = await load(readSupergraph(path))
  options.onServed?.()
  let swapping = Promise.resolve()
  const stopWatching = await watchSupergraph(path, () => {
    swapping = swapping.then(swap)
  })

  return {
    current: () => current,
    async close() {
      await stopWatching()
      await swapping
      await retire(current)
    },
  }

  async function load(read: ReadSupergraph, previous?: Generation): Promise<Generation> {
    if (read.outcome === 'unusable') throw new SupergraphUnusable(read.sentence)
    const generation = await create(read.supergraph, previous).catch((cause: Error) => {
      throw new SupergraphUnusable(`the supergraph ${path} cannot be loaded: ${cause.message}`, {
        cause,
      })
    })
    sdl = read.supergraph.sdl
    return generation
  }

  async function swap(): Promise<void> {
    const read = readSupergraph(path)
    if (read.outcome === 'read' && read.supergraph.sdl === sdl) return
    try {
      const replaced = current
      current = await load(read, replaced)
      options.onServed?.()
      log.info({ path }, 'serving the new supergraph')
      await retire(replaced)
    } catch (cause) {
      log.error({ reason: (cause as Error).message }, 'still serving the last good supergraph')
    }
  }
}
