/** What the executor asks of whatever carries a request to a subgraph, and what it gets back. */
import type { ErrorName } from '../errors.ts'
import type { JsonObject, ResponsePath } from './response-data.ts'

export interface SubgraphRequest {
  readonly operationKind: 'query' | 'mutation' | 'subscription'
  /** The JSON text to post. */
  readonly body: string
  /** Whether it reads what a mutation of the same client request may have changed. */
  readonly isAfterMutation?: true
}

/** An error of a subgraph, as the client may see it. */
export interface SubgraphError {
  readonly message: string
  readonly path?: ResponsePath
  readonly extensions: Readonly<Record<string, unknown>>
}

export interface FailedCall {
  readonly outcome: 'failed'
  readonly reason: ErrorName
  /** What the client learns beyond the message of the error table. */
  readonly detail?: string
  /** For a subgraph that wants to be asked later: the seconds until then. */
  readonly retryAfter?: number
}

export type SubgraphAnswer =
  | {
      readonly outcome: 'answered'
      readonly data: JsonObject | null
      readonly errors: readonly SubgraphError[]
      /** Whether the response set a cookie for the client: it is for this client alone. */
      readonly setsCookie?: boolean
    }
  | FailedCall

/**
 * Sends a request to a subgraph for a caller. It does not reject for anything that a subgraph does;
 * a rejection is a fault of ours. Each answer's data belongs to whoever asked: it will be changed.
 */
export type FetchSubgraph<Context> = (
  subgraph: string,
  request: SubgraphRequest,
  context: Context,
) => Promise<SubgraphAnswer>
