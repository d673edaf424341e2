/** What a request asks the gateway to explain, by members of its `extensions`: nothing of it is made unasked. */
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import type { Authorizer } from '../authorization/authorizer.ts'
import type { AuthorizedRequest, ExecutedOperation } from '../authorization/denied-result.ts'
import { explainOperation } from '../authorization/explain-operation.ts'
import type { GuardedOperation } from '../authorization/guarded-operation.ts'
import { mayExplain } from '../authorization/may-explain.ts'
import type { ExplainTo } from '../authorization/may-explain.ts'
import type { Caller, ClientRequest } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import type { ExplainedStep } from '../execution/explain-plan.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import { explainLimits } from '../operations/explain-limits.ts'
import type { LimitsOfOperations } from '../operations/explain-limits.ts'
import type { ExplainCost } from './explain-cost.ts'
import { fetchRecording } from './recorded-fetches.ts'
import type { RecordFetches } from './recorded-fetches.ts'

/** How an operation is executed. */
export interface ExplainedPlan {
  /** Null where nothing is fetched. */
  readonly steps: ExplainedStep | null
  /** The fragments that are sent later, in the order of the document. */
  readonly deferred: readonly ExplainedFragment[]
}

/** A fragment with `@defer`. */
export interface ExplainedFragment {
  readonly label: string | null
  /** The response names of the fields that lead to it. */
  readonly path: readonly string[]
  /** Those of the operation that it needs: what has been fetched by then is not fetched again. */
  readonly steps: ExplainedStep | null
}

type Extensions = Readonly<Record<string, unknown>>

/** What is known of an operation when it is explained. */
export interface KnownOfOperation {
  /** Undefined: it is not asked for, or the executor does not say. */
  readonly plan: ExplainedPlan | undefined
  /** Undefined: it has not been executed at once. */
  readonly executed?: ExecutedOperation
}

/** The explanations that one request asks for. */
export interface RequestExplanations {
  /** Records its requests to subgraphs; undefined if they are not asked for. */
  readonly record: RecordFetches | undefined
  readonly asksForPlan: boolean
  /** Returns the extensions about an operation. */
  ofOperation(request: AuthorizedRequest, known: KnownOfOperation): Extensions
  /** Returns the extensions about an event: its caller may see other fields than when it subscribed. */
  ofEvent(request: AuthorizedRequest): Extensions
}

/** Returns what a request asks for; undefined if that is nothing, or if its caller may not know. */
export type Explain = (
  graphqlRequest: GraphqlRequest,
  client: ClientRequest,
) => RequestExplanations | undefined

export interface ExplanationParts {
  readonly authorizer: Authorizer
  readonly explainTo: ExplainTo
  /** Returns an operation as its client wrote it, with `@defer`. */
  readonly written: (operation: GuardedOperation) => {
    readonly document: DocumentNode
    readonly operation: OperationDefinitionNode
  }
  readonly limits: LimitsOfOperations
  /** Undefined: the cost of operations is not limited. */
  readonly cost: ExplainCost | undefined
  readonly claimsHeader: (subgraph: string, caller: Caller) => unknown
}

/** The value of `extensions.plan` in a request of which nothing shall be executed. */
const planOnly = 'only'

/** Returns whether a request asks for its plan instead of its execution. */
export function isOnlyPlanned({ extensions }: GraphqlRequest): boolean {
  return extensions?.['plan'] === planOnly
}

/** Returns the function for the explanations that requests ask for. */
export function explanations(parts: ExplanationParts): Explain {
  const { authorizer, explainTo, written, limits, cost, claimsHeader } = parts
  // Many clients send extensions for other purposes.
  if (explainTo !== 'everyone' && explainTo.length === 0) return () => undefined

  return ({ extensions, variables }, { caller }) => {
    if (!extensions) return undefined
    const asks = (name: string) => extensions[name] === true
    const asksForPlan = asks('plan') || extensions['plan'] === planOnly
    const isAsked = asksForPlan || ['authorization', 'fetches', 'limits'].some(asks)
    if (!isAsked || !mayExplain(explainTo, caller)) return undefined
    return {
      record: asks('fetches') ? fetchRecording(claimsHeader) : undefined,
      asksForPlan,
      ofOperation: (request, { plan, executed }) => ({
        ...ofEvent(request),
        ...(asksForPlan && { plan: plan ?? null }),
        ...(asks('limits') && { limits: limitsOf(request, executed) }),
      }),
      ofEvent,
    }

    function ofEvent({ authorized, caller, granted }: AuthorizedRequest) {
      if (!asks('authorization')) return {}
      const explained = { caller, ...(granted ? { granted } : {}) }
      return { authorization: explainOperation(authorizer, authorized.compiled, explained) }
    }

    function limitsOf(request: AuthorizedRequest, executed: ExecutedOperation | undefined) {
      const { document, operation } = written(request.authorized.compiled)
      return {
        operation: explainLimits(limits, document, operation, variables),
        cost: cost?.(request, variables, executed?.data) ?? null,
      }
    }
  }
}

/** Returns the refusal of a request that asks for its plan alone, of a caller who may not know it. */
export function planRefused({ claims }: Caller): GatewayError {
  return new GatewayError(claims ? 'INSUFFICIENT_SCOPE' : 'TOKEN_MISSING', {
    message: 'Plans are not explained to this caller: send the operation without `extensions.plan`',
  })
}
