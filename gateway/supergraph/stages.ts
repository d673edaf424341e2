/** The stages of a request that depend on the schema: what a schema version does. */
import type { ExecutableOperation } from '../authorization/decisions.ts'
import type { AuthorizedRequest } from '../authorization/denied-result.ts'
import type { GuardedOperation } from '../authorization/guarded-operation.ts'
import type { ClientRequest } from '../client-request.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { PrepareOperation } from '../operations/prepare-operation.ts'
import type { LiveSubscription } from '../streaming/live-subscription.ts'
import type { PartedResult } from '../streaming/parted-result.ts'

/** The stages of a request that depend on the schema, in their order. */
export interface Stages {
  /** Prepares the operation: parse, limits, validate, select by name, check the variables. */
  readonly prepare: PrepareOperation<GuardedOperation>
  /**
   * Decides which part of the operation is executed for the caller; at once if no policy is asked. Throws a
   * RequestError for a part that costs more than the caller may spend.
   */
  readonly authorize: (
    operation: GuardedOperation,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
  ) => AuthorizedRequest | Promise<AuthorizedRequest>
  /** Plans, fetches, merges and writes; denied fields are null in the result, with an error. */
  readonly execute: (
    request: AuthorizedRequest,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
  ) => Promise<OperationResult>
  /**
   * Plans and explains an operation, and executes nothing of it. Throws a GatewayError for a caller who may not know
   * its plan.
   *
   * @param inParts whether fragments with `@defer` would be sent later
   */
  readonly explain: (
    request: AuthorizedRequest,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    inParts: boolean,
  ) => Promise<OperationResult>
  /**
   * Executes an operation with `@defer` in parts; undefined if it has none, or is better sent at once. Its
   * fragments are executed later, while this version serves.
   */
  readonly defer: (
    request: AuthorizedRequest,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
  ) => Promise<PartedResult | undefined>
  /** Plans a subscription; its events are executed later, while this version serves. */
  readonly subscribe: (
    request: ExecutableRequest,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
  ) => Promise<LiveSubscription>
}

/** An authorized request of which something is left to execute. */
export interface ExecutableRequest extends AuthorizedRequest {
  readonly authorized: ExecutableOperation
}

/** What the executor hands on with each fetch of a request. */
export interface ExecutionContext {
  readonly client: ClientRequest
  readonly fetch: FetchSubgraph<ClientRequest>
}
