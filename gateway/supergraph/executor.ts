/** What executes authorized operations: ours, or that of @apollo/gateway. */
import type { DocumentNode, GraphQLSchema } from 'graphql'
import type { EndSignal, Trace } from '../client-request.ts'
import type { ExplainedStep } from '../execution/explain-plan.ts'
import type { ExecutionResult } from '../execution/run-operation.ts'
import type { Introspect, SharedShape } from '../graphql/response-shape.ts'

export interface OperationToPrepare {
  /** What the caller may see: after authorization. Plans are kept by this, never by the original. */
  document: DocumentNode
  /** Returns the text of the document; default: it is printed when it is needed. */
  text?: (() => string) | undefined
  /** Which operation of the document, if it has several. */
  operationName?: string | null | undefined
  /** Aborted when the client does not wait for planning any longer. */
  signal?: EndSignal | undefined
}

export interface OperationToExecute<Context> extends OperationToPrepare {
  /** They have been checked: subgraphs get them as the client sent them. */
  variables?: Readonly<Record<string, unknown>> | null | undefined
  /** What the response holds, if that is not just what the document selects. */
  shape?: SharedShape | undefined
  introspect?: Introspect | undefined
  /** Gets a span of planning, if the executor plans. */
  trace?: Trace | undefined
  /** Handed to whatever sends requests to subgraphs. */
  context: Context
}

/** The operation of a subscription: everything but what is of a single event. */
export type OperationToSubscribe = Omit<OperationToExecute<unknown>, 'context'>

/** A subscription that has been planned: each of its events is executed by the same plan. */
export interface PlannedSubscription<Context> {
  /** The subgraph that sends the events. */
  readonly subgraph: string
  /** The JSON text with which it is asked for them. */
  readonly body: string
  /** Every subgraph that is asked for an event. */
  readonly subgraphs: readonly string[]
  /** The plan: the same object for two subscriptions only if the same is executed for their events. */
  readonly plan: object
  /** Executes the operation for one event: the result of its fetch of kind `subscription` is the event. */
  execute(operation: OperationToExecute<Context>): Promise<ExecutionResult>
}

/** A document that selects some of the fields of an operation. */
export interface OperationPart {
  readonly document: DocumentNode
  readonly text: () => string
}

/** An operation that has been planned to be executed in parts. */
export interface DividedOperation<Context> {
  /** Executes a part. What was fetched for one part is not fetched again for another. */
  execute(part: OperationToExecute<Context> & OperationPart): Promise<ExecutionResult>
  /** Returns the steps of a part; null where nothing is fetched for it. */
  explain(part: OperationPart): ExplainedStep | null
}

export interface Executor<Context> {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  /**
   * Plans and compiles; the next execution of the same finds it ready. Rejects with a GatewayError when
   * the operation is too complex to plan, or too many are waiting.
   */
  prepare(operation: OperationToPrepare): Promise<unknown>
  /** The operations that are ready, the last used first: another executor may prepare them as well. */
  operations(): Iterable<OperationToPrepare>
  /** Rejects as `prepare` does; what a subgraph does wrong is in the result. */
  execute(operation: OperationToExecute<Context>): Promise<ExecutionResult>
  /** Plans a subscription, or rejects as `prepare` does; undefined: this executor cannot execute any. */
  readonly subscribe?: (operation: OperationToSubscribe) => Promise<PlannedSubscription<Context>>
  /** Plans an operation to execute it in parts, or rejects as `prepare` does; undefined: it cannot be. */
  readonly divide?: (
    operation: OperationToPrepare & Pick<OperationToExecute<Context>, 'trace'>,
  ) => Promise<DividedOperation<Context>>
  /**
   * Returns the steps of an operation, or rejects as `prepare` does; null where nothing is fetched; undefined: this
   * executor does not explain.
   */
  readonly explain?: (operation: OperationToPrepare) => Promise<ExplainedStep | null>
  /** Ends its threads. */
  close(): Promise<void>
}
