/** What the executor asks of whatever carries a request to a subgraph, and what it gets back. */
import type { ErrorName } from '../errors.ts'
import type { JsonObject } from './response-data.ts'
import type { SubgraphError } from './subgraph-errors.ts'

export interface SubgraphRequest {
  readonly operationKind: 'query' | 'mutation' | 'subscription'
  /** The JSON text to post. */
  readonly body: string
  /** Whether it reads what a mutation of the same client request may have changed. */
  readonly isAfterMutation?: true
}

export type SubgraphAnswer =
  | {
      readonly outcome: 'answered'
      readonly data: JsonObject | null
      readonly errors: readonly SubgraphError[]
    }
  | { readonly outcome: 'failed'; readonly reason: ErrorName }

/**
 * Sends a request to a subgraph for a caller. It does not reject for anything that a subgraph does;
 * a rejection is a fault of ours. Each answer's data belongs to whoever asked: it will be changed.
 */
export type FetchSubgraph<Context> = (
  subgraph: string,
  request: SubgraphRequest,
  context: Context,
) => Promise<SubgraphAnswer>
