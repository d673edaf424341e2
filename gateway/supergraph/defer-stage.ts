/** Executes operations with `@defer` in parts: each part is authorized like an operation of its own. */
import { getOperationAST, OperationTypeNode } from 'graphql'
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Authorizer } from '../authorization/authorizer.ts'
import { notExecuted } from '../authorization/denied-result.ts'
import type { AuthorizedRequest, ExecutedOperation } from '../authorization/denied-result.ts'
import type { GuardedOperation } from '../authorization/guarded-operation.ts'
import type { introspection } from '../authorization/introspection.ts'
import type { ClientRequest } from '../client-request.ts'
import type { FetchSubgraph } from '../execution/subgraph-request.ts'
import { Additions } from '../http/added-to-response.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { OperationResult } from '../http/result-response.ts'
import { operationBudget, operationWeight } from '../operations/operation-weight.ts'
import { splitDeferred } from '../operations/split-deferred.ts'
import type { DividedOperation, Executor } from './executor.ts'
import type { Explain, ExplainedPlan } from './explanations.ts'
import type { ExecutionContext, Stages } from './stages.ts'
import type { SubscribedVersion } from './subscription-stage.ts'

export interface DeferStageParts extends Pick<SubscribedVersion, 'during'> {
  authorizer: Authorizer
  executor: Executor<ExecutionContext>
  introspectFor: ReturnType<typeof introspection>
  fetch: FetchSubgraph<ClientRequest>
  /** Returns what a request asks to be explained, if it asks for anything. */
  explain: Explain
  /** Returns the result for the client. */
  conclude: (
    request: AuthorizedRequest,
    client: ClientRequest,
    executed: ExecutedOperation,
    explained?: OperationResult['extensions'],
  ) => OperationResult
}

/** An operation in parts, each of them compiled for authorization. */
interface CompiledParts {
  readonly first: GuardedOperation
  readonly later: readonly {
    readonly label: string | undefined
    readonly path: readonly string[]
    readonly compiled: GuardedOperation
  }[]
}

/** An operation in parts that has been planned. */
interface PlannedParts extends CompiledParts {
  readonly operation: DividedOperation<ExecutionContext>
}

/** Each part is executed by itself: with more of them, an operation is sent at once. */
const mostDeferred = 20

/** The most operations whose parts are kept compiled. */
const mostKept = 200

/** Returns the stage, how to add an operation that has `@defer` in the document of its client, and how it is explained. */
export function deferStage(parts: DeferStageParts) {
  const { authorizer, executor, introspectFor, fetch, explain, conclude, during } = parts
  const documents = new WeakMap<GuardedOperation, { document: DocumentNode; id: number }>()
  const kept = new LRUCache<string, CompiledParts>({
    max: mostKept,
    maxSize: operationBudget() / 4,
    sizeCalculation: ({ first, later }) =>
      [first, ...later.map(({ compiled }) => compiled)].reduce(
        (size, { document }) => size + operationWeight(document),
        0,
      ),
  })
  let ids = 0

  return {
    add: (operation: GuardedOperation, document: DocumentNode): void =>
      void documents.set(operation, { document, id: ids++ }),
    /** Returns an operation as its client wrote it. */
    written(operation: GuardedOperation): Pick<GuardedOperation, 'document' | 'operation'> {
      const document = documents.get(operation)?.document
      const { name } = operation.operation
      return document ? { document, operation: getOperationAST(document, name?.value)! } : operation
    },
    defer,
    /** Returns how an operation is executed in parts; undefined if it is sent at once. */
    async planOf(...words: Parameters<Stages['defer']>): Promise<ExplainedPlan | undefined> {
      const divided = await divide(...words)
      return divided && explained(divided, words[0], words[1])
    },
  }

  async function defer(...[whole, graphqlRequest, client]: Parameters<Stages['defer']>) {
    const divided = await divide(whole, graphqlRequest, client)
    if (!divided) return undefined
    const { caller, granted, cost } = whole
    const asked = explain(graphqlRequest, client)
    const plan = asked?.asksForPlan ? explained(divided, whole, graphqlRequest) : undefined
    const first = await execute(divided.first, client, cost)
    const extensions = asked?.ofOperation(whole, { plan })
    const { requestId, signal, trace, traceContext } = client
    // What is reported of a request, and its cookies, are complete with the first part.
    const later = (): ClientRequest => ({
      caller: client.caller,
      requestId,
      signal,
      trace,
      traceContext,
      added: new Additions(),
    })
    return {
      first: extensions ? { ...first, extensions: { ...first.extensions, ...extensions } } : first,
      later: divided.later.map(({ label, path, compiled }) => {
        const executing = during(() => execute(compiled, later()))
        // It is awaited later, or never if the client has gone.
        executing.catch(() => {})
        return { label, path, result: executing }
      }),
    }

    async function execute(
      part: GuardedOperation,
      client: ClientRequest,
      cost?: AuthorizedRequest['cost'],
    ): Promise<OperationResult> {
      const { variables } = graphqlRequest
      const ofPart = authorizer.authorize(part, caller, variables, granted)
      const request: AuthorizedRequest = { authorized: ofPart, caller, granted, cost }
      if (!('document' in ofPart)) return conclude(request, client, notExecuted)
      const recorder = asked?.record?.(fetch)
      const executed = await divided!.operation.execute({
        document: ofPart.document,
        text: ofPart.text,
        shape: ofPart.shape,
        introspect: part.introspects ? introspectFor(part, caller, variables, granted) : undefined,
        variables,
        context: { client, fetch: recorder?.fetch ?? fetch },
      })
      const fetches = recorder && { fetches: recorder.fetches() }
      return conclude(request, client, executed, fetches)
    }
  }

  /** Plans an operation to execute it in parts; undefined if it has none, or is better sent at once. */
  async function divide(
    ...[{ authorized }, { variables }, { signal, trace }]: Parameters<Stages['defer']>
  ): Promise<PlannedParts | undefined> {
    const { compiled } = authorized
    const written = documents.get(compiled)
    // A mutation must not be executed twice, not even by mistake.
    const isQuery = compiled.operation.operation === OperationTypeNode.QUERY
    if (!written || !isQuery || !executor.divide || !('document' in authorized)) return undefined
    const parts = partsOf(compiled, written, variables)
    if (parts.later.length === 0) return undefined
    const { document, text } = authorized
    return { ...parts, operation: await executor.divide({ document, text, signal, trace }) }
  }

  function explained(
    { first, later, operation }: PlannedParts,
    { caller, granted }: AuthorizedRequest,
    { variables }: GraphqlRequest,
  ): ExplainedPlan {
    const stepsOf = (part: GuardedOperation) => {
      const ofPart = authorizer.authorize(part, caller, variables, granted)
      return 'document' in ofPart ? operation.explain(ofPart) : null
    }
    return {
      steps: stepsOf(first),
      deferred: later.map(({ label = null, path, compiled }) => ({
        label,
        path,
        steps: stepsOf(compiled),
      })),
    }
  }

  function partsOf(
    { operation: { name } }: GuardedOperation,
    { document, id }: { document: DocumentNode; id: number },
    variables: GraphqlRequest['variables'],
  ): CompiledParts {
    const operation = getOperationAST(document, name?.value)!
    // Only Boolean variables decide which fragments are deferred; a label is a text.
    const booleans = Object.entries(variables).filter(([, value]) => typeof value === 'boolean')
    const key = JSON.stringify([id, booleans])
    const known = kept.get(key)
    if (known) return known
    const { first, later } = splitDeferred(document, operation, variables)
    const compile = (part: DocumentNode) => authorizer.compile(part, name?.value)
    const made = {
      first: compile(first),
      later: (later.length > mostDeferred ? [] : later).map(({ document: part, ...place }) => ({
        ...place,
        compiled: compile(part),
      })),
    }
    kept.set(key, made)
    return made
  }
}
