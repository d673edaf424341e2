/** The procedures that the primary process and its workers call of each other. */
import type { DrainTimes } from '../../subgraphs/kit/process/drain.ts'
import { FetchFailure } from '../authentication/fetch-failure.ts'
import type { DocumentFetcher, DocumentSource } from '../authentication/fetch-document.ts'
import type { FetchedDocument, UnchangedDocument } from '../authentication/fetched-document.ts'
import type { RemoteState } from '../supergraph/remote-supergraph.ts'
import type {
  ServedRecord,
  ServedSupergraph,
  SignedVersion,
  SupergraphCopy,
} from '../supergraph/supergraph-source.ts'
import type { OperationSeen } from '../telemetry/operation-labels.ts'
import type { OperationUsage } from '../telemetry/usage-counter.ts'
import type { Grant } from '../rates/rate.ts'
import type { GatewaySettings } from './configured-gateway.ts'
import type { ProcessMetrics } from './metrics.ts'
import type { RegisteredText, RegisteredTextsProcedures } from './operations/registered-texts.ts'
import type { ChangedManifest, ManifestProcedures } from './operations/remote-manifest.ts'
import type { ServedCounts } from './served-counts.ts'
import type { GrantRequest } from './shared-buckets.ts'
import type { OperationCount } from './warm-up/operation-counts.ts'
import type { Call } from './worker-rpc.ts'

/** The procedures of the primary. */
export type PrimaryProcedures = ManifestProcedures &
  RegisteredTextsProcedures & {
    settings: () => GatewaySettings
    /** Fetches a document of an issuer, for all workers. */
    fetch: (request: FetchRequest) => Promise<FetchOutcome>
    /** What has been fetched of the supergraph; undefined if it is a file. */
    supergraph: () => RemoteState | undefined
    lastGoodSupergraph: () => Promise<SupergraphCopy | undefined>
    lastSignedSupergraph: () => Promise<SignedVersion | undefined>
    /** Reports that the worker serves this supergraph. */
    supergraphServed: (supergraph: ServedSupergraph) => void
    /** The sum of what all workers have served. */
    served: () => Promise<ServedCounts>
    /** Why any of the workers cannot serve now; empty if all can. */
    unreadiness: () => Promise<readonly string[]>
    /** Adds an operation to those that have a label of their own in the metrics; returns all of them. */
    addOperation: (seen: OperationSeen) => readonly string[]
    /** Adds what the worker has counted of the usage of fields. */
    usage: (usage: readonly OperationUsage[]) => void
    /** The operations that clients have sent to earlier processes, those that were used most first. */
    earlierOperations: () => Promise<readonly string[]>
    /** Adds what the worker has counted of operations. */
    operationCounts: (counts: readonly OperationCount[]) => void
    /** Takes points of a rate in advance: all workers share its buckets. */
    grantPoints: (request: GrantRequest) => Grant
    /** Reports that the worker accepts connections. */
    listening: (origin: string) => void
    /** Reports in one sentence why the worker cannot start. */
    failed: (sentence: string) => void
  }

/** The procedures of a worker. */
export type WorkerProcedures = {
  prepare: (settings: GatewaySettings) => Promise<void>
  adopt: () => void
  discard: () => Promise<void>
  /** Reports that the state of the supergraph has changed. */
  supergraph: (state: RemoteState) => void
  /** Reports that the state of a manifest has changed. */
  manifest: (changed: ChangedManifest) => void
  /** Reports that a client has registered a text. */
  textRegistered: (registered: RegisteredText) => void
  metrics: () => Promise<ProcessMetrics>
  served: () => ServedCounts
  unreadiness: () => readonly string[]
  /** Calls the primary's `usage` with what is not reported yet. */
  reportUsage: () => void
  /** Announces the end to clients, completes the requests in flight, and ends the process. */
  stop: (times: DrainTimes) => void
}

type FetchOptions = Parameters<DocumentFetcher>[1]
type FetchRequest = { readonly url: string; readonly options: FetchOptions }
type FetchOutcome =
  | { readonly document: FetchedDocument | UnchangedDocument }
  | {
      readonly failure: string
      readonly status: number | undefined
      readonly lastGood: FetchedDocument | undefined
    }

/** Returns the primary's procedure `fetch`. */
export function fetchProcedure(fetch: DocumentFetcher): PrimaryProcedures['fetch'] {
  return async ({ url, options }) => {
    try {
      return { document: await fetch(url, options) }
    } catch (cause) {
      if (!(cause instanceof FetchFailure)) throw cause
      const { message, status, lastGood } = cause
      return { failure: message, status, lastGood }
    }
  }
}

/** Returns a source of documents that fetches through the primary. */
export function documentsOfPrimary(call: Call<PrimaryProcedures>): DocumentSource {
  return {
    async fetch(url, options) {
      const outcome = await call('fetch', { url, options })
      if ('document' in outcome) return outcome.document
      const { failure, ...rest } = outcome
      throw new FetchFailure(failure, rest)
    },
    async close() {},
  }
}

/** Returns the record of the primary. */
export function recordOfPrimary(call: Call<PrimaryProcedures>): ServedRecord {
  return {
    lastGood: () => call('lastGoodSupergraph'),
    lastSigned: () => call('lastSignedSupergraph'),
    served: (supergraph) => void call('supergraphServed', supergraph).catch(() => {}),
  }
}
