/** Keeps the schema version up to date with the source of the supergraph. */
import type { JWK } from 'jose'
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import { draining } from './draining.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { readSupergraph, SupergraphUnusable } from './read-supergraph.ts'
import type { Supergraph } from './read-supergraph.ts'
import type { ServedSupergraph, SupergraphReading, SupergraphSource } from './supergraph-source.ts'
import { digestOf, faultOfSuccession, verifySignature } from './verify-signature.ts'

export interface FollowOptions<Version> {
  source: SupergraphSource
  /** The accepted public keys, one of which must have signed it; undefined: signatures are not verified. */
  keys?: readonly JWK[] | undefined
  /** Creates a version, with the previous one if there is one; after a rejection the last one stays. */
  create: (supergraph: Supergraph, previous?: Version) => Promise<Version>
  /** Ends a version that has been replaced. */
  retire: (version: Version) => Promise<void>
  /** Called when a version begins to serve, including the first one. */
  onServed?: () => void
  /** Called when a new supergraph cannot be used. */
  onRefused?: () => void
  log: Logger
}

export interface FollowedSupergraph<Version> {
  /** Returns the version that serves; a GatewayError while there is none. */
  current(): Version
  /** Returns the version that serves, if there is one. */
  currentIfAny(): Version | undefined
  /** Why nothing serves; empty if something does. */
  unreadiness(): readonly string[]
  close(): Promise<void>
}

/** The most replaced versions that may still have requests in progress. */
const mostDraining = 4

/** How often a file that does not match its signature is read, and the pause between in milliseconds. */
const readings = { most: 20, pause: 100 }

interface Serving<Version> extends ServedSupergraph {
  readonly text: string
  readonly version: Version
}

/**
 * Returns the version of the current supergraph, replaced after each change of its source. A supergraph
 * that cannot be used is reported and skipped. Requests in progress complete with their version, and the
 * next version does not wait for them.
 */
export async function followSupergraph<Version>(
  options: FollowOptions<Version>,
): Promise<FollowedSupergraph<Version>> {
  const { source, keys, create, log } = options
  const { name, record } = source
  const replaced = draining(mostDraining)
  const swapping = oneAtATime(swap)
  let serving: Serving<Version> | undefined
  /** Why the newest supergraph does not serve. */
  let fault: string | undefined
  // From before the first reading on, so that no change is missed.
  let isLoaded = false
  const stopWatching = source.watch(() => isLoaded && swapping.request())
  try {
    await loadFirst()
  } catch (cause) {
    stopWatching()
    throw cause
  }
  isLoaded = true
  swapping.request()

  return {
    current() {
      if (serving === undefined) throw new GatewayError('SUPERGRAPH_UNAVAILABLE')
      return serving.version
    },
    currentIfAny: () => serving?.version,
    unreadiness() {
      if (serving !== undefined) return []
      const reading = source.read()
      return [reading.outcome === 'unreadable' ? reading.sentence : (fault ?? `${name} is loading`)]
    },
    async close() {
      stopWatching()
      await swapping.idle()
      const last = serving
      // What is open still cannot move to another version.
      serving = undefined
      await Promise.all([replaced.ended(), last && options.retire(last.version)])
    },
  }

  async function loadFirst(): Promise<void> {
    try {
      serve(await load(source.read))
    } catch (cause) {
      if (!(cause instanceof SupergraphUnusable)) throw cause
      const kept = await record.lastGood()
      const last =
        kept && (await load(() => ({ outcome: 'read', copy: kept })).catch(() => undefined))
      if (last === undefined && !source.mayComeLater) throw cause
      if (last !== undefined) serve(last)
      report(cause.message)
    }
  }

  async function load(read: () => SupergraphReading): Promise<Serving<Version>> {
    const { text, ...served } = await readVerified(read)
    if (text === serving?.text) return { ...serving, ...served }
    const version = await create(readSupergraph(text, name), serving?.version).catch(
      (cause: Error) => {
        const sentence = `the supergraph ${name} cannot be loaded: ${cause.message}`
        throw new SupergraphUnusable(sentence, { cause })
      },
    )
    return { text, version, ...served }
  }

  async function readVerified(
    read: () => SupergraphReading,
  ): Promise<ServedSupergraph & { text: string }> {
    for (let count = 1; ; count++) {
      const reading = read()
      if (reading.outcome === 'unreadable') throw new SupergraphUnusable(reading.sentence)
      const { text } = reading.copy
      if (keys === undefined) return { text, digest: digestOf(text) }
      const verified = await verifySignature(reading.copy, keys)
      if (verified.outcome === 'verified') {
        const { version } = verified
        const rollback = faultOfSuccession(version, await record.lastSigned())
        if (rollback === undefined) return { text, ...version }
        throw new SupergraphUnusable(`the supergraph ${name} ${rollback}`)
      }
      // The file may be written already and its signature not yet, or the other way round.
      if (source.mayComeLater || count === readings.most) {
        throw new SupergraphUnusable(`the supergraph ${name} ${verified.fault}`)
      }
      await new Promise((resolve) => setTimeout(resolve, readings.pause))
    }
  }

  async function swap(): Promise<void> {
    await replaced.room(reportWaiting)
    try {
      const previous = serving
      const next = await load(source.read)
      if (fault !== undefined) log.info({ supergraph: name }, 'the newest supergraph can be used')
      fault = undefined
      serve(next)
      if (next.version === previous?.version) return
      log.info({ supergraph: name }, 'serving the new supergraph')
      // Its subscriptions move to the new one.
      if (previous) replaced.add(retire(previous.version))
    } catch (cause) {
      options.onRefused?.()
      report((cause as Error).message)
    }
  }

  function serve(next: Serving<Version>): void {
    const isNew = next.version !== serving?.version
    serving = next
    record.served({ digest: next.digest, serial: next.serial })
    if (isNew) options.onServed?.()
  }

  /** Logs one line per change of state. */
  function report(reason: string): void {
    if (reason === fault) return
    fault = reason
    const reading = source.read()
    if (!serving && reading.outcome === 'unreadable' && reading.isReported) return
    const state = serving ? 'still serving the last good supergraph' : 'no supergraph serves yet'
    log.error({ reason }, state)
  }

  function reportWaiting(): void {
    const reason = `${mostDraining} earlier supergraphs have requests under way`
    log.warn({ reason }, 'the supergraph is read again when one of them has none left')
  }

  async function retire(previous: Version): Promise<void> {
    await options.retire(previous).catch((cause: Error) => {
      log.error({ reason: cause.message }, 'what was replaced did not close cleanly')
    })
  }
}
