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
import type { Executor } from './executor.ts'
import type { ExecutionContext, Stages } from './stages.ts'
import type { SubscribedVersion } from './subscription-stage.ts'

export interface DeferStageParts extends Pick<SubscribedVersion, 'during'> {
  authorizer: Authorizer
  executor: Executor<ExecutionContext>
  introspectFor: ReturnType<typeof introspection>
  fetch: FetchSubgraph<ClientRequest>
  /** Returns the result for the client. */
  conclude: (
    request: AuthorizedRequest,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    executed: ExecutedOperation,
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

/** Each part is executed by itself: with more of them, an operation is sent at once. */
const mostDeferred = 20

/** The most operations whose parts are kept compiled. */
const mostKept = 200

/** Returns the stage, and how to add an operation that has `@defer` in the document of its client. */
export function deferStage(parts: DeferStageParts) {
  const { authorizer, executor, introspectFor, fetch, conclude, during } = parts
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
    defer,
  }

  async function defer(...[whole, graphqlRequest, client]: Parameters<Stages['defer']>) {
    const { authorized, caller, granted, cost } = whole
    const { compiled } = authorized
    const written = documents.get(compiled)
    // A mutation must not be executed twice, not even by mistake.
    const isQuery = compiled.operation.operation === OperationTypeNode.QUERY
    if (!written || !isQuery || !executor.divide || !('document' in authorized)) return undefined
    const { first, later: fragments } = partsOf(compiled, written, graphqlRequest.variables)
    if (fragments.length === 0) return undefined
    const { document, text } = authorized
    const executePart = await executor.divide({ document, text, signal: client.signal })
    const result = await execute(first, client, cost)
    const { requestId, signal, traceContext } = client
    // What is reported of a request, and its cookies, are complete with the first part.
    const later = (): ClientRequest => ({
      caller: client.caller,
      requestId,
      signal,
      traceContext,
      added: new Additions(),
    })
    return {
      first: result,
      later: fragments.map(({ label, path, compiled }) => {
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
      if (!('document' in ofPart)) return conclude(request, graphqlRequest, client, notExecuted)
      const executed = await executePart({
        document: ofPart.document,
        text: ofPart.text,
        shape: ofPart.shape,
        introspect: part.introspects ? introspectFor(part, caller, variables, granted) : undefined,
        variables,
        context: { client, fetch },
      })
      return conclude(request, graphqlRequest, client, executed)
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
