/** The known operations, as the manifests have them now: all of them, or those of before. */
import type { Logger } from 'pino'
import { StartFailure } from '../../../subgraphs/kit/process/start-failure.ts'
import type { ManifestSettings } from '../../configuration/operations.ts'
import { KnownOperations } from '../../operations/known-operations.ts'
import type { KnownOperation } from '../../operations/known-operations.ts'
import { ManifestInvalid, readManifest } from '../../operations/read-manifest.ts'
import { runInSlices } from '../../slices.ts'
import type { Slices } from '../../slices.ts'
import { oneAtATime } from '../../supergraph/one-at-a-time.ts'
import { ManifestUnreadable, openManifest } from './manifest-source.ts'
import type { ManifestSource } from './manifest-source.ts'
import type { OpenRemoteManifest } from './remote-manifest.ts'

export interface FollowedManifests {
  /** Returns the operations; undefined while a manifest has never been fetched. */
  current(): KnownOperations | undefined
  /** Why there are none yet; empty if there are. */
  unreadiness(): readonly string[]
  close(): Promise<void>
}

export interface FollowManifestsOptions {
  readonly manifests: readonly ManifestSettings[]
  /** Opens those at URLs. */
  readonly openRemote: OpenRemoteManifest
  /** Where is kept which signatures of files were used last. */
  readonly dataDirectory: string
  /** Called with the operations that are added; they are used once it has resolved. */
  readonly onAdd: (operations: Iterable<KnownOperation>) => Promise<void>
  readonly log: Logger
}

/**
 * Follows the manifests: after a change of any of them, all are read again. If one of them cannot be used, that
 * is logged, and the operations of before stay. A manifest that cannot be used at the start is a StartFailure; one
 * that cannot be fetched may come later.
 */
export async function followManifests(options: FollowManifestsOptions): Promise<FollowedManifests> {
  const { manifests, onAdd, ...parts } = options
  const { log } = parts
  let operations: KnownOperations | undefined
  let fault: string | undefined
  let isFollowing = false
  let hasChanged = false
  const reading = oneAtATime(replace)
  const onChange = () => {
    if (isFollowing) reading.request()
    else hasChanged = true
  }
  const sources: ManifestSource[] = []
  try {
    for (const settings of manifests) {
      sources.push(await openManifest({ ...parts, settings, onChange }))
    }
    await readFirst()
  } catch (cause) {
    await closeSources()
    throw cause
  }
  isFollowing = true
  if (hasChanged) reading.request()

  return {
    current: () => operations,
    unreadiness: () => (operations ? [] : [fault ?? 'the known operations are loading']),
    async close() {
      isFollowing = false
      await closeSources()
      await reading.idle()
    },
  }

  async function closeSources(): Promise<void> {
    await Promise.all(sources.map((source) => source.close()))
  }

  async function readFirst(): Promise<void> {
    try {
      operations = await readAll()
    } catch (cause) {
      const mayComeLater = cause instanceof ManifestUnreadable && cause.mayComeLater
      if (!mayComeLater) throw new StartFailure((cause as Error).message, { cause })
      report(cause)
    }
  }

  async function replace(): Promise<void> {
    try {
      const read = await readAll()
      if (fault !== undefined) log.info('the manifests of known operations can be used again')
      fault = undefined
      await onAdd(added(read, operations))
      operations = read
      log.info({ operations: read.size }, 'the known operations have changed')
    } catch (cause) {
      report(cause as Error)
    }
  }

  /** Logs one line per change of state. */
  function report(cause: Error): void {
    if (cause.message === fault) return
    fault = cause.message
    if (cause instanceof ManifestUnreadable && cause.isReported) return
    const state = operations ? 'the known operations stay as they were' : 'no operations are known'
    log.error({ reason: fault }, state)
  }

  async function readAll(): Promise<KnownOperations> {
    const read = new KnownOperations()
    for (const source of sources) {
      const bytes = await source.read()
      await runInSlices(addTo(read, source.name, bytes))
    }
    for (const source of sources) source.used()
    return read
  }
}

/** Yields the operations that were not among those of before. */
function* added(
  operations: KnownOperations,
  before: KnownOperations | undefined,
): Generator<KnownOperation> {
  for (const operation of operations) if (!before?.has(operation.text)) yield operation
}

function* addTo(operations: KnownOperations, name: string, bytes: Buffer): Slices<void> {
  try {
    for (const operation of yield* readManifest(bytes)) {
      yield
      if (operations.add(operation)) continue
      const id = JSON.stringify(operation.id.slice(0, 100))
      throw new ManifestInvalid(`has another text for the id ${id} than before: ids must differ`)
    }
  } catch (cause) {
    if (!(cause instanceof ManifestInvalid)) throw cause
    throw new ManifestInvalid(`the manifest ${name} ${cause.message}`, { cause })
  }
}
