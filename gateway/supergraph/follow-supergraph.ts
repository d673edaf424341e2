/** Keeps the schema version up to date with the supergraph file. */
import type { Logger } from 'pino'
import { draining } from './draining.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { readSupergraph } from './read-supergraph.ts'
import type { ReadSupergraph, Supergraph } from './read-supergraph.ts'
import { watchSupergraph } from './watch-supergraph.ts'

export interface FollowOptions<Version> {
  path: string
  /** Creates a version, with the previous one if there is one; after a rejection the last one stays. */
  create: (supergraph: Supergraph, previous?: Version) => Promise<Version>
  /** Ends a version that has been replaced. */
  retire: (version: Version) => Promise<void>
  /** Called when a version begins to serve, including the first one. */
  onServed?: () => void
  log: Logger
}

export interface FollowedSupergraph<Version> {
  current(): Version
  close(): Promise<void>
}

/** Thrown when the first supergraph cannot be used; the message is a sentence for the operator. */
export class SupergraphUnusable extends Error {
  override name = 'SupergraphUnusable'
}

/** The most replaced versions that may still have requests in progress. */
const mostDraining = 4

/**
 * Returns the version of the current file, replaced after each change of the file. A file that cannot be
 * used is reported and skipped. Requests in progress complete with their version, and the next version does
 * not wait for them.
 */
export async function followSupergraph<Version>(
  options: FollowOptions<Version>,
): Promise<FollowedSupergraph<Version>> {
  const { path, create, log } = options
  const replaced = draining(mostDraining)
  const swapping = oneAtATime(swap)
  let sdl: string | undefined
  let current: Version
  // From before the first reading on, so that no change is missed.
  let isLoaded = false
  const stopWatching = watchSupergraph(path, () => isLoaded && swapping.request())
  try {
    current = await load(readSupergraph(path))
  } catch (cause) {
    stopWatching()
    throw cause
  }
  options.onServed?.()
  isLoaded = true
  swapping.request()

  return {
    current: () => current,
    async close() {
      stopWatching()
      await swapping.idle()
      await Promise.all([replaced.ended(), options.retire(current)])
    },
  }

  async function load(read: ReadSupergraph, previous?: Version): Promise<Version> {
    if (read.outcome === 'unchanged') return current
    if (read.outcome === 'unusable') throw new SupergraphUnusable(read.sentence)
    const version = await create(read.supergraph, previous).catch((cause: Error) => {
      throw new SupergraphUnusable(`the supergraph ${path} cannot be loaded: ${cause.message}`, {
        cause,
      })
    })
    sdl = read.supergraph.sdl
    return version
  }

  async function swap(): Promise<void> {
    if (replaced.isFull) await roomForAnother()
    const previous = current
    try {
      current = await load(readSupergraph(path, sdl), previous)
    } catch (cause) {
      log.error({ reason: (cause as Error).message }, 'still serving the last good supergraph')
    }
    if (current === previous) return
    options.onServed?.()
    log.info({ path }, 'serving the new supergraph')
    replaced.add(retire(previous))
  }

  async function roomForAnother(): Promise<void> {
    const reason = `${mostDraining} earlier supergraphs have requests under way`
    log.warn({ reason }, 'the supergraph is read again when one of them has none left')
    await replaced.room()
  }

  async function retire(previous: Version): Promise<void> {
    await options.retire(previous).catch((cause: Error) => {
      log.error({ reason: cause.message }, 'what was replaced did not close cleanly')
    })
  }
}
