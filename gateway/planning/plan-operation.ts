/** Operation -> QueryPlan: which subgraph is asked for what, and in which order. */
import {
  DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  operationFromDocument,
  Supergraph,
} from '@apollo/federation-internals'
import { QueryPlanner } from '@apollo/query-planner'
import type { QueryPlan } from '@apollo/query-planner'
import { Kind, parse, visit } from 'graphql'
import type { DocumentNode, GraphQLSchema } from 'graphql'
import { entityRules } from './entity-rules.ts'
import { expandFragments, interfaceObjectsOf } from './expand-fragments.ts'
import { finishPlan } from './finish-plan.ts'
import { separateRequiredArguments } from './required-arguments.ts'
import { resolvableKeysFirst } from './resolvable-keys-first.ts'
import { responseNames } from './response-names.ts'
import type { ResponseNames } from './response-names.ts'
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
  /** All types, those included that clients do not see. */
  readonly supergraphSchema: GraphQLSchema
  readonly names: ResponseNames
  /** All labels of progressive `@override` in the supergraph. */
  readonly overrideLabels: readonly string[]
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
  const document = parse(supergraphSdl, { noLocation: true })
  const separated = separateRequiredArguments(resolvableKeysFirst(document))
  const supergraph = Supergraph.build(separated.document, {
    supportedFeatures,
    // A field whose requirement now has a stand-in may look as if it were external for nothing.
    validateSupergraph: separated.requiredFields.size === 0,
  })
  const plannersSchema = supergraph.apiSchema()
  const apiSchema =
    separated.requiredFields.size === 0
      ? plannersSchema.toGraphQLJSSchema()
      : Supergraph.build(document, { supportedFeatures }).apiSchema().toGraphQLJSSchema()
  let planner = isPrepared ? new QueryPlanner(supergraph, plannerConfig) : undefined
  const supergraphSchema = supergraph.schema.toGraphQLJSSchema()
  const interfaceObjects = interfaceObjectsOf(document)
  const fragmentTypes = { schema: apiSchema, interfaceObjects }
  const names = responseNames(separated.document, interfaceObjects.size > 0)
  const graphs = supergraph.subgraphNameToGraphEnumValue()
  const rules = {
    ...separated,
    entities: entityRules(separated.document),
    graphOf: (subgraph: string) => graphs.get(subgraph) ?? '',
    schema: supergraphSchema,
  }

  return {
    apiSchema,
    supergraphSchema,
    names,
    overrideLabels: labelsOf(document),
    plan({ document, operationName, overrideLabels = [] }) {
      const expanded = expandFragments(fragmentTypes, document, operationName)
      const operation = operationFromDocument(
        plannersSchema,
        names.of(document).separate(expanded),
        {
          validate: false,
        },
      )
      planner ??= new QueryPlanner(supergraph, plannerConfig)
      const plan = planner.buildQueryPlan(operation, {
        overrideConditions: new Map(overrideLabels.map((label) => [label, true])),
      })
      if (!plan.node || plan.node.kind === 'Subscription') return plan
      return { ...plan, node: finishPlan(supplyRequirements(plan.node, rules), rules) }
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
