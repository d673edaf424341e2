/** What an operation costs, and why: for its author, before its cost is limited, or refused. */
import type { DocumentNode, GraphQLSchema } from 'graphql'
import type { AuthorizedRequest } from '../authorization/denied-result.ts'
import { sizeOfText, stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { CostDirectives } from '../operations/cost/cost-directives.ts'
import { valueOf } from '../operations/cost/formula.ts'
import type { Evaluation } from '../operations/cost/formula.ts'
import { operationCosts } from '../operations/cost/operation-cost.ts'
import type { CountedList } from '../operations/cost/operation-cost.ts'
import { responseCosts } from '../operations/cost/response-cost.ts'
import { budgets } from './limit-cost.ts'
import type { CostSettings } from './limit-cost.ts'

/** The cost of what is left of an operation after authorization. */
export interface ExplainedCost {
  readonly estimated: number
  /** What it has cost, by the response; null: it has not been executed at once, or its response is very large. */
  readonly actual: number | null
  /** What its caller may spend; null: cost is not limited. */
  readonly max: number | null
  /** `measure`: what exceeds it is reported, not refused; null: cost is not limited. */
  readonly mode: CostSettings['mode'] | null
  readonly lists: readonly ExplainedList[]
}

/** A list field of the operation. */
export interface ExplainedList extends Pick<CountedList, 'coordinate' | 'by'> {
  /** How many elements it is estimated to have. */
  readonly length: number
}

/** Returns the cost of a request. */
export type ExplainCost = (
  request: AuthorizedRequest,
  variables: Readonly<Record<string, unknown>>,
  data?: ResponseData,
) => ExplainedCost

export interface ExplainCostParts {
  /** Undefined: cost is not limited. */
  readonly settings: CostSettings | undefined
  readonly directives: CostDirectives
  readonly apiSchema: GraphQLSchema
}

/** The default of `limits.cost.list_size`. */
const usualListSize = 10

/** The most lists of an operation that are listed. */
const mostLists = 200

/** The longest response whose cost is counted, in bytes. */
const longestResponse = 2_000_000

/** Returns the function for what requests cost. */
export function costExplainer({ settings, directives, apiSchema }: ExplainCostParts): ExplainCost {
  const listSize = settings?.listSize ?? usualListSize
  const maxFor = settings && budgets(settings)
  const responseCost = responseCosts({ apiSchema, directives })

  return ({ authorized, caller }, variables, data) => {
    const limit = { max: maxFor?.(caller) ?? null, mode: settings?.mode ?? null }
    if (!('document' in authorized)) return { estimated: 0, actual: null, ...limit, lists: [] }
    const counted: CountedList[] = []
    const onList = (list: CountedList) => void counted.push(list)
    const formula = operationCosts({ apiSchema, directives, listSize, onList })(authorized.document)
    const evaluation: Evaluation = { variables, unsliced: undefined }
    const estimated = Math.ceil(valueOf(formula, evaluation))
    const lists = counted.slice(0, mostLists).map(({ length, ...list }) => ({
      ...list,
      length: valueOf(length, evaluation),
    }))
    const actual = data === undefined ? undefined : actualCost(authorized.document, variables, data)
    return { estimated, actual: actual ?? null, ...limit, lists }
  }
  function actualCost(
    document: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
    data: ResponseData,
  ): number | undefined {
    if (sizeOfText(data) > longestResponse) return undefined
    return responseCost(document, variables, JSON.parse(stringOf(data)))
  }
}
