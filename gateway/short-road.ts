/**
 * The short road: an operation that the pipeline has validated before is looked up by its text and
 * executed at once. It answers as the pipeline would, to the byte.
 */
import type { DocumentNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Authorizer } from './authorization/authorizer.ts'
import type { GuardedOperation } from './authorization/guarded-operation.ts'
import type { ClientRequest } from './client-request.ts'
import type { ForwardedCaller } from './forwarding/subgraph-headers.ts'
import type { OperationResult } from './execution/run-operation.ts'
import type { HttpAnswer } from './http/http-message.ts'
import { acceptedMediaType } from './http/media-type.ts'
import type { GraphqlRequest } from './http/read-graphql-request.ts'
import type { NativeEngine } from './supergraph/native-executor.ts'
import { mostOperations, operationBudget, operationWeight } from './operations/operation-weight.ts'

/** The most operations of one document that are remembered. */
const operationsOfDocument = 16

/** The operations of one document, by name. */
type Remembered = Map<string | undefined, GuardedOperation>

export interface ShortRoadParts {
  engine: NativeEngine<ClientRequest>
  authorizer: Authorizer
}

/** An operation that can be executed at once. */
interface Ready {
  readonly document: DocumentNode
  readonly operationName: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly mediaType: string
}

export interface ShortRoad {
  /** Remembers an operation that has passed validation. */
  remember(text: string, operationName: string | undefined, document: DocumentNode): void
  /** Returns what can be executed at once for this caller; undefined for anything unusual. */
  find(request: GraphqlRequest, caller: ForwardedCaller): Ready | undefined
  execute(ready: Ready, client: ClientRequest): Promise<OperationResult>
  /** Returns the answer to a result without errors; one with errors is the pipeline's to tell. */
  answer(ready: Ready, result: OperationResult): HttpAnswer | undefined
}

export function shortRoad({ engine, authorizer }: ShortRoadParts): ShortRoad {
  const known = new LRUCache<string, Remembered>({
    max: mostOperations,
    maxSize: operationBudget(),
    sizeCalculation: (byName) => byName.size * weightOf(byName),
  })

  return {
    remember(text, operationName, document) {
      const compiled = authorizer.compile(document, operationName)
      if (compiled.introspects || compiled.policies.length > 0) return
      const byName: Remembered = known.get(text) ?? new Map()
      if (byName.get(operationName) === compiled) return
      if (byName.size < operationsOfDocument) known.set(text, byName.set(operationName, compiled))
    },
    find(request, caller) {
      const { method, accept, body } = request
      if (method !== 'POST' || !body) return undefined
      const { query, extensions } = body
      const operationName = body.operationName ?? undefined
      const variables = body.variables ?? {}
      if (typeof query !== 'string' || extensions !== undefined || !isRecord(variables))
        return undefined
      if (operationName !== undefined && typeof operationName !== 'string') return undefined
      const compiled = known.get(query)?.get(operationName)
      const mediaType = acceptedMediaType(accept)
      if (!compiled || !mediaType) return undefined
      const authorized = authorizer.authorize(compiled, caller, variables)
      if (authorized.outcome !== 'whole' || authorized.denied.length > 0) return undefined
      if (!('document' in authorized)) return undefined
      const { document } = authorized
      return { document, operationName, variables, mediaType }
    },
    execute: ({ document, operationName, variables }, client) =>
      engine.execute({
        document,
        operationName,
        variables,
        context: client,
        signal: client.signal,
      }),
    answer({ mediaType }, { data, errors }) {
      if (data === undefined || errors.length > 0) return undefined
      return {
        status: 200,
        headers: { 'content-type': mediaType, 'cache-control': 'no-store' },
        body: `{"data":${data}}\n`,
      }
    },
  }
}

function weightOf(byName: Remembered): number {
  const [compiled] = byName.values()
  return compiled ? operationWeight(compiled.document) : 1
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
