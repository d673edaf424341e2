/** A manifest at a URL: fetched by one process, for all processes of a gateway. */
import type { Logger } from 'pino'
import { StartFailure } from '../../../subgraphs/kit/process/start-failure.ts'
import type { ManifestSettings } from '../../configuration/operations.ts'
import { remoteSupergraph } from '../../supergraph/remote-supergraph.ts'
import type { RemoteFeed, RemoteState } from '../../supergraph/remote-supergraph.ts'
import type {
  ServedRecord,
  ServedSupergraph,
  SignedVersion,
  SupergraphCopy,
} from '../../supergraph/supergraph-source.ts'
import { signedManifest } from '../../supergraph/verify-signature.ts'
import { feedOfPrimary } from '../supergraph-of-primary.ts'
import type { FeedOfPrimary } from '../supergraph-of-primary.ts'
import type { Call } from '../worker-rpc.ts'
import { manifestRecord } from './manifest-record.ts'

export interface RemoteManifest {
  /** What has been fetched. */
  readonly feed: RemoteFeed
  readonly record: ServedRecord
  close(): Promise<void>
}

/** Returns the manifest after the first attempt to fetch it, successful or not; rejects with a StartFailure for a bad URL. */
export type OpenRemoteManifest = (settings: ManifestSettings) => Promise<RemoteManifest>

export interface RemoteManifestOptions {
  /** Where the last good manifest is kept. */
  readonly dataDirectory: string
  readonly log: Logger
}

/** Returns the function that opens manifests which this process fetches itself. */
export function fetchedManifests({
  dataDirectory,
  log,
}: RemoteManifestOptions): OpenRemoteManifest {
  return async (settings) => {
    const record = await manifestRecord({ from: settings.from, dataDirectory, log })
    const kind = signedManifest
    const feed = await remoteSupergraph({ url: settings.from, settings, kind, record, log })
    record.keepCopiesOf(() => feed.state().copy)
    return {
      feed,
      record,
      async close() {
        await feed.close()
        await record.written()
      },
    }
  }
}

/** The procedures of the primary that are about manifests at URLs. */
export type ManifestProcedures = {
  openManifest: (settings: ManifestSettings) => Promise<RemoteState>
  lastGoodManifest: (settings: ManifestSettings) => Promise<SupergraphCopy | undefined>
  lastSignedManifest: (settings: ManifestSettings) => Promise<SignedVersion | undefined>
  /** Reports that the worker uses this version of the manifest. */
  manifestServed: (served: ServedManifest) => void
}

interface ServedManifest {
  readonly settings: ManifestSettings
  readonly version: ServedSupergraph
}

/** What workers are told of a manifest that has changed. */
export interface ChangedManifest {
  readonly key: string
  readonly state: RemoteState
}

/** Those that the primary has opened for its workers: one for each manifest and its settings. */
export interface ManifestsForWorkers {
  readonly procedures: ManifestProcedures
  /** Closes the others: no configuration has them. */
  keepOnly(manifests: readonly ManifestSettings[]): Promise<void>
}

/** Returns them, none at first. */
export function manifestsForWorkers(
  open: OpenRemoteManifest,
  onChange: (changed: ChangedManifest) => void,
): ManifestsForWorkers {
  const opened = new Map<string, Promise<RemoteManifest>>()
  return {
    procedures: {
      openManifest: async (settings) => (await manifestOf(settings)).feed.state(),
      lastGoodManifest: async (settings) => (await manifestOf(settings)).record.lastGood(),
      lastSignedManifest: async (settings) => (await manifestOf(settings)).record.lastSigned(),
      manifestServed: ({ settings, version }) =>
        void opened.get(keyOf(settings))?.then(
          ({ record }) => record.served(version),
          () => {},
        ),
    },
    async keepOnly(manifests) {
      const kept = new Set(manifests.map(keyOf))
      const others = [...opened].filter(([key]) => !kept.has(key))
      for (const [key] of others) opened.delete(key)
      await Promise.all(others.map(([, manifest]) => manifest.then(closeOne, () => {})))
    },
  }

  function manifestOf(settings: ManifestSettings): Promise<RemoteManifest> {
    const key = keyOf(settings)
    const known = opened.get(key)
    if (known) return known
    const manifest = open(settings)
    opened.set(key, manifest)
    manifest.then(
      ({ feed }) => feed.onChange(() => onChange({ key, state: feed.state() })),
      () => opened.delete(key),
    )
    return manifest
  }
}

export interface ManifestsOfPrimary {
  readonly open: OpenRemoteManifest
  /** Takes what the primary reports. */
  receive(changed: ChangedManifest): void
}

/** Returns what a worker knows of manifests that the primary fetches. */
export function manifestsOfPrimary(call: Call<ManifestProcedures>): ManifestsOfPrimary {
  const feeds = new Set<{ readonly key: string; readonly feed: FeedOfPrimary }>()
  return {
    receive({ key, state }) {
      for (const one of feeds) if (one.key === key) one.feed.receive(state)
    },
    async open(settings) {
      const entry = { key: keyOf(settings), feed: feedOfPrimary() }
      // A change may be reported before the response.
      feeds.add(entry)
      try {
        entry.feed.receive(await call('openManifest', settings))
      } catch (cause) {
        feeds.delete(entry)
        throw new StartFailure((cause as Error).message, { cause })
      }
      return {
        feed: entry.feed,
        record: {
          lastGood: () => call('lastGoodManifest', settings),
          lastSigned: () => call('lastSignedManifest', settings),
          served: (version) => void call('manifestServed', { settings, version }).catch(() => {}),
        },
        close: async () => void feeds.delete(entry),
      }
    },
  }
}

function closeOne(manifest: RemoteManifest): Promise<void> {
  return manifest.close()
}

function keyOf(settings: ManifestSettings): string {
  return JSON.stringify(settings)
}
