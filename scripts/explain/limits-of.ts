import { getOperationAST, parse } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import type { AuthorizedRequest } from '../../gateway/authorization/denied-result.ts'
import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { limitsSchema } from '../../gateway/configuration/limits.ts'
import { SupergraphRefused } from '../../gateway/authorization/supergraph-refused.ts'
import type { CostDirectives } from '../../gateway/operations/cost/cost-directives.ts'
import { explainLimits } from '../../gateway/operations/explain-limits.ts'
import type { ExplainedLimit } from '../../gateway/operations/explain-limits.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { costExplainer } from '../../gateway/supergraph/explain-cost.ts'
import type { ExplainedCost } from '../../gateway/supergraph/explain-cost.ts'
import { readCostDirectives } from '../../gateway/supergraph/read-cost-directives.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/** What an operation costs, and how large it is, as `extensions.limits` of a response has it. */
export interface ExplainedLimits {
  readonly operation: readonly ExplainedLimit[]
  readonly cost: ExplainedCost
}

export interface LimitedOperation {
  /** The text of the supergraph. */
  readonly supergraph: string
  readonly apiSchema: GraphQLSchema
  /** As its client wrote it. */
  readonly document: DocumentNode
  readonly operationName: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly request: AuthorizedRequest
  /** Undefined: the limits are the default ones. */
  readonly config: GatewayConfig | undefined
}

/** Returns the limits of an operation. */
export function limitsOf({
  supergraph,
  apiSchema,
  document,
  operationName,
  variables,
  request,
  config,
}: LimitedOperation): ExplainedLimits {
  const limits = config?.limits ?? limitsSchema.parse({})
  const directives = costDirectivesOf(supergraph)
  const operation = getOperationAST(document, operationName)!
  return {
    operation: explainLimits(limits, document, operation, variables),
    cost: costExplainer({ settings: limits.cost, directives, apiSchema })(request, variables),
  }
}

function costDirectivesOf(supergraph: string): CostDirectives {
  try {
    return runToCompletion(readCostDirectives(parse(supergraph, { noLocation: true })))
  } catch (cause) {
    if (!(cause instanceof SupergraphRefused)) throw cause
    throw new StartFailure(`the supergraph cannot be used: ${cause.message}`, { cause })
  }
}

/** Returns the lines for a terminal; a measure without a limit is left out. */
export function limitsText({ operation, cost }: ExplainedLimits): string[] {
  const { estimated, max, mode, lists } = cost
  const limited = operation.flatMap(({ limit, value, max, mode }) =>
    max === null ? [] : [`${limit} ${value}${atMost(max, mode)}`],
  )
  return [
    `Cost: ${estimated}${atMost(max, mode)}`,
    ...lists.map(
      ({ coordinate, length, by }) =>
        `  ${coordinate}: ${length} elements, by ${by === 'schema' ? '@listSize' : 'limits.cost.list_size'}`,
    ),
    `Limits: ${limited.join(', ')}`,
  ]
}

function atMost(max: number | null, mode: ExplainedLimit['mode']): string {
  if (max === null) return ''
  return ` of ${max}${mode === 'measure' ? ' (measured)' : ''}`
}
