/** Prepares subscriptions: each of their events is authorized and executed like a request of its own. */
import { notExecuted, withExtensions } from '../authorization/denied-result.ts'
import type { AuthorizedRequest, ExecutedOperation } from '../authorization/denied-result.ts'
import type { ExecutableOperation } from '../authorization/decisions.ts'
import type { GuardedOperation } from '../authorization/guarded-operation.ts'
import { hash } from 'node:crypto'
import type { Caller, ClientRequest } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import type { SubscriptionEvent } from '../execution/subscription-event.ts'
import { errorOfCall } from '../execution/subgraph-errors.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import { Additions } from '../http/added-to-response.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { EventOutcome, LiveSubscription } from '../streaming/live-subscription.ts'
import { objectNumbers } from '../values/object-numbers.ts'
import type { SubgraphCalls } from './connect-subgraphs.ts'
import { eventExecutions } from './event-executions.ts'
import { isContained } from './contained-request.ts'
import type { Executor, PlannedSubscription } from './executor.ts'
import type { Explain } from './explanations.ts'
import type { ExecutionContext, Stages } from './stages.ts'

export interface SubscriptionStageParts {
  executor: Executor<ExecutionContext>
  subgraphs: Pick<
    SubgraphCalls,
    'fetch' | 'subscribe' | 'deduplicatesSubscriptions' | 'deduplicationKey'
  >
  /** Returns the function that authorizes each event of an operation. */
  authorizer: (operation: GuardedOperation) => Stages['authorize']
  /** Returns what a request asks to be explained, if it asks for anything. */
  explain: Explain
  /** Returns the result for the client. */
  conclude: (
    request: AuthorizedRequest,
    client: ClientRequest,
    executed: ExecutedOperation,
    explained?: OperationResult['extensions'],
  ) => OperationResult
  /** Called when the operation has been executed for an event. */
  onExecuted: () => void
  /** The schema version that executes. */
  version: SubscribedVersion
}

/** What a subscription needs of its schema version. */
export interface SubscribedVersion {
  /** Runs a part of a request: the version is not closed before it has ended. */
  during<Result>(part: () => Promise<Result>): Promise<Result>
  /** Whether another version serves by now. */
  isReplaced(): boolean
  /**
   * Calls the listener when another version serves; returns how to stop that. The version is not closed
   * before the listener's promise has resolved.
   */
  onReplaced(listener: () => Promise<void>): () => void
}

type Planned = PlannedSubscription<ExecutionContext>

/** What a caller may see. */
interface Visible {
  readonly authorized: ExecutableOperation
  readonly planned: Planned
  /** Whether the events of the open stream have it: `exactly` it, `and more`, or `not` all of it. */
  readonly ofStream: 'exactly' | 'and more' | 'not'
}

/** What is executed for an event. */
interface EventExecution {
  readonly event: SubscriptionEvent
  readonly authorized: ExecutableOperation
  readonly planned: Planned
}

/** The key of the executions of one listener, and what it is made of. */
interface ExecutionKey {
  readonly authorized: ExecutableOperation
  readonly caller: Caller
  readonly planned: Planned
  readonly key: string
}

/** Returns the stage. */
export function subscriptionStage(parts: SubscriptionStageParts): Stages['subscribe'] {
  const { executor, subgraphs, explain, conclude, onExecuted, version } = parts
  const executionOf = eventExecutions<ExecutedOperation>()
  const numberOf = objectNumbers()

  return async ({ authorized }, graphqlRequest, subscriber) => {
    const { compiled } = authorized
    const authorize = parts.authorizer(compiled)
    const opened = await plan(authorized, graphqlRequest, subscriber)
    let latest: Visible = { authorized, planned: opened, ofStream: 'exactly' }
    let keyed: ExecutionKey | undefined
    return { open } satisfies LiveSubscription

    function open(...[client, listener]: Parameters<LiveSubscription['open']>) {
      if (version.isReplaced()) {
        queueMicrotask(() => void listener.replaced())
        return { close() {} }
      }
      const { subgraph, body } = opened
      const forget = version.onReplaced(() => listener.replaced())
      const upstream = subgraphs.subscribe(subgraph, body, client, {
        opened: () => listener.opened(),
        next(event) {
          const { size } = event
          const respond = (client: ClientRequest) => version.during(() => execute(event, client))
          listener.next({ size, respond })
        },
        ended(failure) {
          forget()
          listener.ended(failure && errorOfCall(failure))
        },
      })
      return {
        close() {
          forget()
          upstream.close()
        },
      }
    }

    async function execute(event: SubscriptionEvent, client: ClientRequest): Promise<EventOutcome> {
      const request = await authorize(compiled, graphqlRequest, client)
      const explained = explain(graphqlRequest, client)
      if (!('document' in request.authorized)) {
        const result = conclude(request, client, notExecuted, explained?.ofEvent(request))
        return { outcome: 'denied', result }
      }
      const { planned, ofStream } = await visibleOf(request.authorized, client)
      if (ofStream === 'not') return { outcome: 'outdated' }
      const execution = { event, authorized: request.authorized, planned }
      const recorder = explained?.record?.(subgraphs.fetch)
      // Requests that others have sent could not be recorded.
      const executed = recorder
        ? await executedAlone(execution, client, recorder.fetch)
        : await executedFor(execution, client)
      const extensions = explained && {
        ...explained.ofEvent(request),
        ...(recorder && { fetches: recorder.fetches() }),
      }
      const result = conclude(request, client, executed, extensions)
      return { outcome: ofStream === 'exactly' ? 'executed' : 'outdated', result }
    }

    async function executedFor(
      execution: EventExecution,
      client: ClientRequest,
    ): Promise<ExecutedOperation> {
      const { event, authorized, planned } = execution
      if (!subgraphs.deduplicatesSubscriptions(planned.subgraph)) {
        return executedAlone(execution, client)
      }
      // An execution for several clients does not end when one of them goes away.
      return executionOf(event, keyFor(authorized, planned, client.caller), () =>
        executedAlone(execution, { ...client, signal: undefined }),
      )
    }

    async function executedAlone(
      { event, authorized, planned }: EventExecution,
      client: ClientRequest,
      fetch = subgraphs.fetch,
    ): Promise<ExecutedOperation> {
      onExecuted()
      const added = new Additions()
      const result = await planned.execute({
        ...operationOf(authorized, graphqlRequest),
        context: { client: { ...client, added }, fetch: withEvent(event, fetch) },
      })
      // One result may be for several listeners.
      return withExtensions(result, added)
    }

    /** Returns a text that is the same for two listeners of a stream only if the same is executed for them. */
    function keyFor(authorized: ExecutableOperation, planned: Planned, caller: Caller): string {
      const isKnown =
        keyed?.authorized === authorized && keyed.caller === caller && keyed.planned === planned
      if (isKnown) return keyed!.key
      const { plan } = planned
      const forwarded = planned.subgraphs.map((name) => subgraphs.deduplicationKey(name, caller))
      const { variables } = graphqlRequest
      const parts = [numberOf(authorized), numberOf(plan), variables, planned.subgraphs, forwarded]
      keyed = { authorized, caller, planned, key: hash('sha256', JSON.stringify(parts)) }
      return keyed.key
    }

    /** What the caller may see now: usually the same as for the last event. */
    async function visibleOf(now: ExecutableOperation, client: ClientRequest): Promise<Visible> {
      const { authorized } = latest
      if (now.document === authorized.document || now.text() === authorized.text()) return latest
      const planned = await plan(now, graphqlRequest, client)
      return (latest = { authorized: now, planned, ofStream: partOfStream(planned, opened) })
    }
  }

  function plan(
    authorized: ExecutableOperation,
    graphqlRequest: GraphqlRequest,
    { signal }: ClientRequest,
  ): Promise<Planned> {
    if (!executor.subscribe) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
    return executor.subscribe({ ...operationOf(authorized, graphqlRequest), signal })
  }

  /** The fetch of kind `subscription` gets the event; all others are requests. */
  function withEvent(
    event: SubscriptionEvent,
    fetch: FetchSubgraph<ClientRequest>,
  ): FetchSubgraph<ClientRequest> {
    return async (subgraph, request, client) =>
      request.operationKind === 'subscription'
        ? event.resultFor(request, client.added)
        : fetch(subgraph, request, client)
  }
}

function partOfStream(now: Planned, opened: Planned): Visible['ofStream'] {
  if (now.subgraph !== opened.subgraph) return 'not'
  if (now.body === opened.body) return 'exactly'
  return isContained(now.body, opened.body) ? 'and more' : 'not'
}

function operationOf(
  { document, text, shape }: ExecutableOperation,
  { variables }: GraphqlRequest,
) {
  return { document, text, shape, variables }
}
