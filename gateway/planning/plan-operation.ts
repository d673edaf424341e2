/**
 * Operation -> QueryPlan: which subgraph is asked for what, and in which order. @apollo/query-planner
 * finds the plan. Each of its faults is mended by one file of this folder: in the supergraph and in the
 * operation before it plans, and in its plan afterwards.
 */
import {
  DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  operationFromDocument,
  printSchema,
  Supergraph,
} from '@apollo/federation-internals'
import { QueryPlanner } from '@apollo/query-planner'
import type { FetchNode, PlanNode, QueryPlan } from '@apollo/query-planner'
import { getOperationAST, GraphQLError, Kind, parse, visit } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { runToCompletion } from '../slices.ts'
import type { Slices } from '../slices.ts'
import './collect-variables.ts'
import { keepConditionalFields } from './conditional-fields.ts'
import { separateArguments } from './conflicting-arguments.ts'
import { entityRules } from './entity-rules.ts'
import { expandFragments, interfaceObjectsOf } from './expand-fragments.ts'
import { fieldSources } from './field-sources.ts'
import { decideKnownConditions } from './known-conditions.ts'
import { replaceLiterals, restoreLiterals } from './literals-as-written.ts'
import { mergeRootFields } from './merge-root-fields.ts'
import { fetchMissingInputs } from './missing-inputs.ts'
import { fixedTypesIn, narrowableTypes } from './narrow-alternatives.ts'
import type { FetchPass, OperationPass, OperationToPlan, PassRules, PlanPass } from './passes.ts'
import { replaceFetches } from './plan-nodes.ts'
import { buildQueryPlan, planningEffort } from './planning-effort.ts'
import { restoreRequiredFields, separateRequiredArguments } from './required-arguments.ts'
import { resolvableKeysFirst } from './resolvable-keys-first.ts'
import { namesInUse, responseNames, separateResponseNames } from './response-names.ts'
import { membersIn } from './supergraph-facts.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'
import { separateInputs } from './unequal-inputs.ts'

/** What happens to an operation before the planner gets it, in this order. */
const operationPasses: readonly OperationPass[] = [
  expandFragments,
  decideKnownConditions,
  keepConditionalFields,
  mergeRootFields,
  separateResponseNames,
  replaceLiterals,
]

/** What happens to each fetch of the planner's plan, in this order. */
const fetchPasses: readonly FetchPass[] = [separateArguments, separateInputs, restoreRequiredFields]

/** What happens to the planner's plan, in this order. */
const planPasses: readonly PlanPass[] = [
  fetchMissingInputs,
  inEachFetch(fetchPasses),
  restoreLiterals,
]

export interface OperationPlanner {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly facts: SupergraphFacts
  /** Returns the text of which `apiSchema` was built. */
  apiSdl(): string
  /** Returns the plan: plain data, which can be sent to another thread. */
  plan(operation: OperationToPlan): QueryPlan
}

/**
 * Features that bind the executor. Those of security are not among them: a supergraph with rules for
 * access is refused here unless the authorization stage has taken them out to enforce them itself.
 */
const supportedFeatures = new Set([
  ...DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  'https://specs.apollo.dev/context/v0.1',
  'https://specs.apollo.dev/cost/v0.1',
])

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
  const document = parse(supergraphSdl, { noLocation: true })
  const separated = separateRequiredArguments(resolvableKeysFirst(document))
  yield
  const supergraph = Supergraph.build(separated.document, {
    supportedFeatures,
    // A field whose requirement now has a stand-in may look as if it were external for nothing.
    validateSupergraph: separated.requiredFields.size === 0,
  })
  yield
  const plannersSchema = supergraph.apiSchema()
  yield
  const clientsSchema =
    separated.requiredFields.size === 0
      ? plannersSchema
      : Supergraph.build(document, { supportedFeatures }).apiSchema()
  const apiSchema = clientsSchema.toGraphQLJSSchema()
  yield
  let planner = isPrepared ? new QueryPlanner(supergraph, plannerConfig) : undefined
  yield
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema()
  yield
  const interfaceObjects = interfaceObjectsOf(document)
  const graphs = supergraph.subgraphNameToGraphEnumValue()
  const entities = entityRules(separated.document)
  const narrowing = {
    schema: supergraphSchema,
    sources: fieldSources(separated.document),
    entities,
    fixedTypes: fixedTypesIn(separated.document),
  }
  const effort = planningEffort(narrowing)
  const facts = {
    members: membersIn(supergraphSchema),
    sources: narrowing.sources,
    narrowable: narrowableTypes(narrowing),
    names: namesInUse(separated.document, interfaceObjects.size > 0),
    overrideLabels: labelsOf(document),
  }
  const rules: PassRules = {
    apiSchema,
    schema: supergraphSchema,
    interfaceObjects,
    names: responseNames(facts.names),
    requiredFields: separated.requiredFields,
    requiredBy: separated.requiredBy,
    entities,
    graphOf: (subgraph) => graphs.get(subgraph) ?? '',
  }

  return {
    apiSchema,
    facts,
    apiSdl: () => printSchema(clientsSchema),
    plan(request) {
      const document = prepare(request, rules)
      const operation = operationFromDocument(plannersSchema, document, { validate: false })
      planner ??= new QueryPlanner(supergraph, plannerConfig)
      const overrideConditions = new Map(request.overrideLabels?.map((label) => [label, true]))
      const options = { overrideConditions }
      const plan = buildQueryPlan(planner, operation, options, effort(document), rules.graphOf)
      if (!plan.node || plan.node.kind === 'Subscription') return plan
      return { ...plan, node: finish(plan.node, rules, request) }
    },
  }
}

/** Returns a document that holds nothing but the operation as the planner gets it. */
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

/** Returns the pass that replaces each fetch by what the passes make of it. */
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

function labelsOf(supergraph: DocumentNode): string[] {
  const labels = new Set<string>()
  visit(supergraph, {
    Argument: ({ name, value }) => {
      if (name.value === 'overrideLabel' && value.kind === Kind.STRING) labels.add(value.value)
    },
  })
  return [...labels]
}
