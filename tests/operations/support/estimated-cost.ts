/** What operations are estimated to cost, without a gateway around them. */
import { buildASTSchema, parse, validate } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { valueOf } from '../../../gateway/operations/cost/formula.ts'
import type { Evaluation } from '../../../gateway/operations/cost/formula.ts'
import { operationCosts } from '../../../gateway/operations/cost/operation-cost.ts'
import { responseCosts } from '../../../gateway/operations/cost/response-cost.ts'
import { readCostDirectives } from '../../../gateway/supergraph/read-cost-directives.ts'
import { runToCompletion } from '../../../gateway/slices.ts'

export interface Estimates {
  readonly schema: GraphQLSchema
  /** Returns the cost, or the field that has not exactly one slicing argument. */
  of(query: string | DocumentNode, variables?: Record<string, unknown>): number | string
  /** Returns what a response has cost. */
  readonly ofResponse: ReturnType<typeof responseCosts>
}

/** The heading that composition writes: it imports only names that the specification's name does not imply. */
const heading = `
  extend schema
    @link(url: "https://specs.apollo.dev/link/v1.0")
    @link(url: "https://specs.apollo.dev/cost/v0.1", import: ["@listSize"])`

/**
 * Returns the estimates for a supergraph, of which only these parts matter; lists of which it says nothing
 * have 10 elements by default.
 */
export function estimatesFor(
  typeDefs: string,
  { listSize = 10, links = heading }: { listSize?: number; links?: string } = {},
): Estimates {
  const supergraph = parse(`${links}\n${typeDefs}`)
  const directives = runToCompletion(readCostDirectives(supergraph))
  const schema = buildASTSchema(parse(typeDefs), { assumeValidSDL: true })
  const formulaOf = operationCosts({ apiSchema: schema, directives, listSize })
  return {
    schema,
    ofResponse: responseCosts({ apiSchema: schema, directives }),
    of(query, variables = {}) {
      const document = typeof query === 'string' ? parse(query) : query
      const [invalid] = validate(schema, document)
      if (invalid) throw invalid
      const evaluation: Evaluation = { variables, unsliced: undefined }
      const cost = valueOf(formulaOf(document), evaluation)
      return evaluation.unsliced?.coordinate ?? cost
    },
  }
}
