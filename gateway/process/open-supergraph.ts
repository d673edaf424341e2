/** The supergraph of `--supergraph`, as the process sees it that polls a URL and keeps what served. */
import type { Logger } from 'pino'
import { keptSupergraph } from '../supergraph/kept-supergraph.ts'
import { isUrl, remoteSource, remoteSupergraph } from '../supergraph/remote-supergraph.ts'
import type { RemoteFeed, RemoteSettings } from '../supergraph/remote-supergraph.ts'
import { supergraphFile } from '../supergraph/supergraph-file.ts'
import type { ServedRecord, SupergraphSource } from '../supergraph/supergraph-source.ts'
import type { GatewaySettings } from './configured-gateway.ts'

export interface OpenSupergraphOptions {
  /** The file or the URL of the composed supergraph. */
  supergraph: string
  /** Where the last good supergraph of a URL is kept. */
  dataDirectory: string
  settings: GatewaySettings
  log: Logger
}

export interface OpenSupergraph {
  readonly source: SupergraphSource
  /** What is fetched from a URL; undefined for a file, which each process reads by itself. */
  readonly feed: RemoteFeed | undefined
  readonly record: ServedRecord
  /** Fetches by these settings, then runs the action; goes back to the earlier ones if that fails. */
  reconfigured(settings: RemoteSettings, action: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** Returns after the first attempt to fetch a URL, successful or not. A bad URL is a StartFailure. */
export async function openSupergraph(options: OpenSupergraphOptions): Promise<OpenSupergraph> {
  const { supergraph: location, dataDirectory: directory, log } = options
  const record = await keptSupergraph({ directory, location, log })
  if (!isUrl(location)) {
    return {
      source: supergraphFile(location, record),
      feed: undefined,
      record,
      reconfigured: (_settings, action) => action(),
      close: record.written,
    }
  }
  const settings = options.settings.config.supergraph
  const remote = await remoteSupergraph({ url: location, settings, record, log })
  record.keepCopiesOf(() => remote.state().copy)
  return {
    source: remoteSource(location, remote, record),
    feed: remote,
    record,
    async reconfigured(settings, action) {
      const goBack = await remote.configure(settings)
      await action().catch((cause: unknown) => {
        goBack()
        throw cause
      })
    },
    async close() {
      await remote.close()
      await record.written()
    },
  }
}

/** Returns the source that a worker uses, with the record and the feed of the primary. */
export function sourceOfWorker(
  location: string,
  feed: RemoteFeed,
  record: ServedRecord,
): SupergraphSource {
  return isUrl(location) ? remoteSource(location, feed, record) : supergraphFile(location, record)
}
