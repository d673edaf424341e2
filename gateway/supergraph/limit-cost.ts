/** Estimates what an authorized operation costs, and refuses what costs more than its caller may spend. */
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { AuthorizedRequest } from '../authorization/denied-result.ts'
import type { Caller } from '../client-request.ts'
import type { Limits } from '../configuration/limits.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { CostDirectives } from '../operations/cost/cost-directives.ts'
import { valueOf } from '../operations/cost/formula.ts'
import type { Evaluation, Formula, UnslicedField } from '../operations/cost/formula.ts'
import { operationCosts } from '../operations/cost/operation-cost.ts'
import type { Exceeded } from '../operations/limit-operation.ts'
import { refusalWithDetails } from '../operations/request-errors.ts'
import { remembered } from '../values/remembered.ts'

export type CostSettings = NonNullable<Limits['cost']>

/** What an operation is estimated to cost, and what it may cost. */
export interface OperationCost {
  readonly estimated: number
  readonly max: number
}

/** What an authorized request has of its cost. */
export type EstimatedCost = Pick<AuthorizedRequest, 'estimated' | 'cost'>

export interface CostLimitParts {
  readonly settings: CostSettings
  readonly directives: CostDirectives
  readonly apiSchema: GraphQLSchema
  /** Called with the estimated cost of each operation. */
  readonly onEstimated?: ((cost: number) => void) | undefined
  readonly onExceeded: (
    exceeded: Exceeded<'cost' | 'slicing_arguments'>,
    request: AuthorizedRequest,
  ) => void
}

/**
 * Returns the function that estimates an authorized operation, for its client as well if the request asks for it by
 * `"extensions": { "cost": true }`. It throws a RequestError for an operation that costs too much.
 */
export function costLimit({
  settings,
  directives,
  apiSchema,
  onEstimated,
  onExceeded,
}: CostLimitParts): (request: AuthorizedRequest, graphqlRequest: GraphqlRequest) => EstimatedCost {
  const { mode } = settings
  const formulas = new WeakMap<DocumentNode, Formula>()
  const formulaOf = operationCosts({ apiSchema, directives, listSize: settings.listSize })
  const maxFor = budgets(settings)
  const lowest = Math.min(settings.max, ...settings.byScope.values())

  return (request, { variables, extensions }) => {
    const isAsked = extensions?.['cost'] === true
    const { authorized, caller } = request
    if (!('document' in authorized)) {
      return { estimated: 0, cost: isAsked ? { estimated: 0, max: maxFor(caller) } : undefined }
    }
    const formula = remembered(formulas, authorized.document, formulaOf)
    const evaluation: Evaluation = { variables, unsliced: undefined }
    const estimated = Math.ceil(valueOf(formula, evaluation))
    onEstimated?.(estimated)
    if (evaluation.unsliced) refuseUnsliced(evaluation.unsliced, request)
    if (estimated <= lowest && !isAsked) return { estimated, cost: undefined }
    const cost: OperationCost = { estimated, max: maxFor(caller) }
    if (estimated > cost.max) refuseExpensive(cost, request)
    return { estimated, cost: isAsked ? cost : undefined }
  }

  function refuseUnsliced(
    { coordinate, slicingArguments }: UnslicedField,
    request: AuthorizedRequest,
  ): void {
    onExceeded({ limit: 'slicing_arguments', value: 0, max: 1, mode }, request)
    if (mode === 'measure') return
    const message = `The field ${coordinate} needs exactly one of the arguments that limit its length: ${slicingArguments.join(', ')}`
    throw refusalWithDetails('SLICING_ARGUMENT_REQUIRED', message, { coordinate, slicingArguments })
  }

  function refuseExpensive(cost: OperationCost, request: AuthorizedRequest): void {
    const { estimated, max } = cost
    onExceeded({ limit: 'cost', value: estimated, max, mode }, request)
    if (mode === 'measure') return
    const message = `The estimated cost of the operation is ${estimated}, but at most ${max} is allowed: select fewer fields, or shorter lists`
    throw refusalWithDetails('COST_ESTIMATED_TOO_EXPENSIVE', message, { cost })
  }
}

/** Returns the function for what a caller may spend: the highest of its scopes' budgets, else that of everybody. */
export function budgets({
  max,
  byScope,
}: Pick<CostSettings, 'max' | 'byScope'>): (caller: Caller) => number {
  return ({ claims }) => {
    if (!claims || byScope.size === 0) return max
    const own = grantedScopes(claims).flatMap((scope) => byScope.get(scope) ?? [])
    return own.length > 0 ? Math.max(...own) : max
  }
}
