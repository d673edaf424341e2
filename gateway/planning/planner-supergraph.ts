/** A supergraph as @apollo/query-planner gets it, and what the passes and the executor know about it. */
import {
  DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  printSchema,
  Supergraph,
} from '@apollo/federation-internals'
import { Kind, parse, visit } from 'graphql'
import type { DocumentNode } from 'graphql'
import { entityRules } from './entity-rules.ts'
import { interfaceObjectsOf } from './expand-fragments.ts'
import { fieldSources } from './field-sources.ts'
import { fixedTypesIn, narrowableTypes } from './narrow-alternatives.ts'
import type { PassRules } from './passes.ts'
import { separateRequiredArguments } from './required-arguments.ts'
import { resolvableKeysFirst } from './resolvable-keys-first.ts'
import { namesInUse, responseNames } from './response-names.ts'
import { membersIn } from './supergraph-facts.ts'
import type { SupergraphFacts } from './supergraph-facts.ts'

/**
 * Features that bind the executor. Those of security are not among them: a supergraph with rules for
 * access is refused here unless the authorization stage has taken them out to enforce them itself.
 */
const supportedFeatures = new Set([
  ...DEFAULT_SUPPORTED_SUPERGRAPH_FEATURES,
  'https://specs.apollo.dev/context/v0.1',
  'https://specs.apollo.dev/cost/v0.1',
])

/** Reads a supergraph, without two things that the planner gets wrong. Throws when it cannot be used. */
export function* plannerSupergraph(supergraphSdl: string) {
  const document = parse(supergraphSdl, { noLocation: true })
  const separated = separateRequiredArguments(resolvableKeysFirst(document))
  yield
  const supergraph = Supergraph.build(separated.document, {
    supportedFeatures,
    // A field whose requirement now has a stand-in may seem to be external without need.
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
  const schema = supergraph.schema.toGraphQLJSSchema()
  yield
  const interfaceObjects = interfaceObjectsOf(document)
  const graphs = supergraph.subgraphNameToGraphEnumValue()
  const entities = entityRules(separated.document)
  const sources = fieldSources(separated.document)
  const narrowing = { schema, sources, entities, fixedTypes: fixedTypesIn(separated.document) }
  const facts: SupergraphFacts = {
    members: membersIn(schema),
    sources,
    narrowable: narrowableTypes(narrowing),
    names: namesInUse(separated.document, interfaceObjects.size > 0),
    overrideLabels: labelsOf(document),
  }
  const rules: PassRules = {
    apiSchema,
    schema,
    interfaceObjects,
    names: responseNames(facts.names),
    requiredFields: separated.requiredFields,
    requiredBy: separated.requiredBy,
    entities,
    graphOf: (subgraph) => graphs.get(subgraph) ?? '',
  }
  const apiSdl = () => printSchema(clientsSchema)
  return { supergraph, plannersSchema, apiSchema, apiSdl, facts, rules, narrowing }
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
