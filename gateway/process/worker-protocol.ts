/** What the primary process and its workers ask each other. */
import { FetchFailure } from '../authentication/fetch-failure.ts'
import type { DocumentFetcher, DocumentSource } from '../authentication/fetch-document.ts'
import type { FetchedDocument, UnchangedDocument } from '../authentication/fetched-document.ts'
import type { ProcessMetrics } from './metrics.ts'
import type { GatewaySettings, Served } from './configured-gateway.ts'
import type { Ask } from './worker-rpc.ts'

/** What the primary answers. */
export interface PrimaryAnswers {
  [name: string]: (argument: never) => unknown
  settings: () => GatewaySettings
  /** Fetches what an issuer publishes, for all workers. */
  fetch: (request: FetchRequest) => Promise<FetchOutcome>
  /** What all workers have served together. */
  served: () => Promise<Served>
  /** Why any worker cannot serve right now, or nothing. */
  unreadiness: () => Promise<readonly string[]>
  listening: (origin: string) => Promise<void>
  /** Why a worker cannot start, in a sentence. */
  failed: (sentence: string) => void
}

/** What a worker answers. */
export interface WorkerAnswers {
  [name: string]: (argument: never) => unknown
  prepare: (settings: GatewaySettings) => Promise<void>
  adopt: () => void
  discard: () => Promise<void>
  metrics: () => Promise<ProcessMetrics>
  served: () => Served
  unreadiness: () => readonly string[]
  /** Answers the requests under way and ends. */
  stop: () => void
}

type FetchOptions = Parameters<DocumentFetcher>[1]
type FetchRequest = { readonly url: string; readonly options: FetchOptions }
type FetchOutcome =
  | { readonly answer: FetchedDocument | UnchangedDocument }
  | {
      readonly failure: string
      readonly status: number | undefined
      readonly lastGood: FetchedDocument | undefined
    }

/** Returns the answer of the primary to `fetch`. */
export function answerFetch(fetch: DocumentFetcher): PrimaryAnswers['fetch'] {
  return async ({ url, options }) => {
    try {
      return { answer: await fetch(url, options) }
    } catch (cause) {
      if (!(cause instanceof FetchFailure)) throw cause
      const { message, status, lastGood } = cause
      return { failure: message, status, lastGood }
    }
  }
}

/** Returns a source of documents that asks the primary. */
export function documentsOfPrimary(ask: Ask<PrimaryAnswers>): DocumentSource {
  return {
    async fetch(url, options) {
      const outcome = await ask('fetch', { url, options })
      if ('answer' in outcome) return outcome.answer
      const { failure, ...rest } = outcome
      throw new FetchFailure(failure, rest)
    },
    async close() {},
  }
}
