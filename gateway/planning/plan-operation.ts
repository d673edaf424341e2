/** Operation -> QueryPlan: which subgraph is asked for what, and in which order. */
import {
  DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  operationFromDocument,
  printSchema,
  Supergraph,
} from '@apollo/federation-internals'
import { QueryPlanner } from '@apollo/query-planner'
import type { QueryPlan } from '@apollo/query-planner'
import { Kind, parse, visit } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { runToCompletion } from '../slices.ts'
import type { Slices } from '../slices.ts'
import './collect-variables.ts'
import { entityRules } from './entity-rules.ts'
import { expandFragments, interfaceObjectsOf } from './expand-fragments.ts'
import { finishPlan } from './finish-plan.ts'
import { keepLiterals } from './literals-as-written.ts'
import { separateRequiredArguments } from './required-arguments.ts'
import { fieldSources } from './field-sources.ts'
import { buildQueryPlan, planningEffort } from './planning-effort.ts'
import { fixedTypesIn, narrowableTypes } from './narrow-alternatives.ts'
import { resolvableKeysFirst } from './resolvable-keys-first.ts'
import { namesInUse, responseNames } from './response-names.ts'
import { membersIn } from './supergraph-facts.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'
import { supplyRequirements } from './supply-requirements.ts'

export interface OperationToPlan {
  readonly document: DocumentNode
  /** Which of the document's operations; undefined when it has only one. */
  readonly operationName: string | undefined
  /** The labels of `@override(label:)` that are on: a field comes from its new subgraph for these. */
  readonly overrideLabels?: readonly string[]
}

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

/** The same, while others are served: for a small supergraph, no piece of the work takes long. */
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
  const fragmentTypes = { schema: apiSchema, interfaceObjects }
  const graphs = supergraph.subgraphNameToGraphEnumValue()
  const entities = entityRules(separated.document)
  const rules = {
    ...separated,
    entities,
    graphOf: (subgraph: string) => graphs.get(subgraph) ?? '',
    schema: supergraphSchema,
  }
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
  const names = responseNames(facts.names)

  return {
    apiSchema,
    facts,
    apiSdl: () => printSchema(clientsSchema),
    plan({ document, operationName, overrideLabels = [] }) {
      const expanded = expandFragments(fragmentTypes, document, operationName)
      const literals = keepLiterals(apiSchema, names.of(document).separate(expanded))
      const operation = operationFromDocument(plannersSchema, literals.document, {
        validate: false,
      })
      planner ??= new QueryPlanner(supergraph, plannerConfig)
      const overrideConditions = new Map(overrideLabels.map((label) => [label, true]))
      const plan = buildQueryPlan(
        planner,
        operation,
        { overrideConditions },
        effort(expanded),
        rules.graphOf,
      )
      if (!plan.node || plan.node.kind === 'Subscription') return plan
      const node = finishPlan(supplyRequirements(plan.node, rules), rules)
      return { ...plan, node: literals.restore(node) }
    },
  }
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
