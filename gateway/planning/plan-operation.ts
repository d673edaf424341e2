/**
 * Operation -> QueryPlan: what is fetched from which subgraph, and in which order. @apollo/query-planner
 * finds the plan. Each of its faults is corrected by one file of this folder, most of them by a pass: over
 * the operation before it plans, or over its plan afterwards. Two faults are corrected in the supergraph
 * (planner-supergraph.ts), four in the planner itself (collect-variables.ts, conditional-fetches.ts,
 * dependent-fetches.ts, narrow-alternatives.ts).
 */
import { operationFromDocument } from '@apollo/federation-internals'
import { QueryPlanner } from '@apollo/query-planner'
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner'
import { getOperationAST, GraphQLError, Kind } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { runToCompletion } from '../slices.ts'
import type { Slices } from '../slices.ts'
import './collect-variables.ts'
import './conditional-fetches.ts'
import './dependent-fetches.ts'
import { keepConditionalFields } from './conditional-fields.ts'
import { separateArguments } from './conflicting-arguments.ts'
import { expandFragments } from './expand-fragments.ts'
import { decideKnownConditions } from './known-conditions.ts'
import { replaceLiterals, restoreLiterals } from './literals-as-written.ts'
import { repeatConditions } from './lost-conditions.ts'
import { mergeRootFields } from './merge-root-fields.ts'
import type { FetchPass, OperationPass, OperationToPlan, PassRules, PlanPass } from './passes.ts'
import { replaceFetches } from './plan-nodes.ts'
import { plannerSupergraph } from './planner-supergraph.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'
import { buildQueryPlan, planningEffort } from './planning-effort.ts'
import { restoreRequiredFields } from './required-arguments.ts'
import { separateResponseNames } from './response-names.ts'
import { stepsInOrder } from './subscription-plan.ts'
import { separateInputs } from './unequal-inputs.ts'

/** What happens to an operation before the planner gets it, in this order. */
const operationPasses: readonly OperationPass[] = [
  expandFragments,
  decideKnownConditions,
  repeatConditions,
  keepConditionalFields,
  mergeRootFields,
  separateResponseNames,
  replaceLiterals,
]

/** What happens to each fetch of the planner's plan, in this order. */
const fetchPasses: readonly FetchPass[] = [separateArguments, separateInputs, restoreRequiredFields]

/** What happens to the planner's plan, in this order. */
const planPasses: readonly PlanPass[] = [inEachFetch(fetchPasses), restoreLiterals]

/** A planner for one supergraph. */
export interface OperationPlanner {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  /** Returns the text from which `apiSchema` was built. */
  apiSdl(): string
  readonly facts: SupergraphFacts
  /** Returns the plan: plain data, which can be sent to another thread. */
  plan(request: OperationToPlan): QueryPlan
}

/** Fragments are written out: fetches can then be taken apart and put together. */
const plannerConfig = { reuseQueryFragments: false, generateQueryFragments: false }

/**
 * Returns the planner of a supergraph. Throws when the supergraph cannot be used.
 *
 * @param isPrepared whether all is made ready for planning now, or with the first operation
 */
export function operationPlanner(supergraphSdl: string, isPrepared = true): OperationPlanner {
  return runToCompletion(operationPlannerInSlices(supergraphSdl, isPrepared))
}

/** Returns the same in slices of work: for a small supergraph, none of them takes long. */
export function* operationPlannerInSlices(
  supergraphSdl: string,
  isPrepared = true,
): Slices<OperationPlanner> {
  const read = yield* plannerSupergraph(supergraphSdl)
  const { supergraph, plannersSchema, rules } = read
  let planner = isPrepared ? new QueryPlanner(supergraph, plannerConfig) : undefined
  yield
  const effort = planningEffort(read.narrowing)

  return {
    apiSchema: read.apiSchema,
    apiSdl: read.apiSdl,
    facts: read.facts,
    plan(request) {
      const document = prepare(request, rules)
      const operation = operationFromDocument(plannersSchema, document, { validate: false })
      planner ??= new QueryPlanner(supergraph, plannerConfig)
      const overrideConditions = new Map(request.overrideLabels?.map((label) => [label, true]))
      const options = { overrideConditions }
      const plan = buildQueryPlan(planner, operation, options, effort(document), rules.graphOf)
      if (!plan.node) return plan
      return { ...plan, node: finish(stepsInOrder(plan.node), rules, request) }
    },
  }
}

/** Returns a document with only the operation, as the planner gets it. */
function prepare(request: OperationToPlan, rules: PassRules): DocumentNode {
  const operation = getOperationAST(request.document, request.operationName)
  if (!operation || !rules.apiSchema.getRootType(operation.operation)) {
    throw new GraphQLError('The document has no such operation.')
  }
  const prepared = operationPasses.reduce((one, pass) => pass(one, rules, request), operation)
  return { kind: Kind.DOCUMENT, definitions: [prepared] }
}

/** Returns the plan to execute. */
function finish(plan: PlanNode, rules: PassRules, request: OperationToPlan): PlanNode {
  return planPasses.reduce((one, pass) => pass(one, rules, request), plan)
}

/** Returns the pass that applies the passes to each fetch. */
function inEachFetch(passes: readonly FetchPass[]): PlanPass {
  return (plan, rules, request) =>
    replaceFetches(plan, (original) => {
      const fetches = passes.reduce<readonly FetchNode[]>(
        (all, pass) => all.flatMap((one) => pass(one, rules, request)),
        [original],
      )
      return fetches.length === 1 ? fetches[0]! : { kind: 'Parallel', nodes: [...fetches] }
    })
}
