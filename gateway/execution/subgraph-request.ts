/** A request of the executor to a subgraph, and its result. */
import type { CallSpan, PassedParts } from '../client-request.ts'
import type { ErrorName } from '../errors.ts'
import type { ResponsePath } from '../graphql/response-error.ts'
import type { ReadData } from './response-envelope.ts'

export interface SubgraphRequest {
  readonly operationKind: 'query' | 'mutation' | 'subscription'
  /** The JSON text to post. */
  readonly body: string
  /** Gets the data of the response, if it has some. */
  readonly readData: ReadData
  /** Whether it reads what a mutation of the same client request may have changed. */
  readonly isAfterMutation?: true
  /** Undefined if the client's request is not traced. */
  readonly span?: CallSpan | undefined
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
  /** What is reported to the client in addition to the message of the error table. */
  readonly detail?: string
  /** The seconds after which an overloaded subgraph may be called again. */
  readonly retryAfter?: number
}

export type SubgraphResult =
  | {
      readonly outcome: 'answered'
      /** The response as it arrived: another request may read it, too. */
      readonly bytes: Uint8Array
      readonly hasData: boolean
      readonly errors: readonly SubgraphError[]
      /** Whether the response set a cookie for the client: it is for this client alone. */
      readonly setsCookie?: boolean
      /** What the response adds to those of all clients that get it. */
      readonly passed?: PassedParts | undefined
    }
  | FailedCall

/**
 * Sends a request to a subgraph for a caller, and returns the result. A fault of the subgraph is a result;
 * a rejection is a fault of the gateway.
 */
export type FetchSubgraph<Context> = (
  subgraph: string,
  request: SubgraphRequest,
  context: Context,
) => Promise<SubgraphResult>
