/** An operation with its requirements, selection by selection: compiled once per operation text. */
import { getOperationAST, GraphQLError, Kind } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  InlineFragmentNode,
  FragmentSpreadNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { remembered } from '../values/remembered.ts'
import { conditionsOf, conditionVariables } from '../graphql/conditions.ts'
import type { Condition, ConditionVariables } from '../graphql/conditions.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import type { Fragments } from '../graphql/fragments.ts'
import { isIntrospection } from '../graphql/introspection-fields.ts'
import { policiesOf } from './guard-directives.ts'
import type { GuardedSchema, Requirement } from './guarded-schema.ts'

/** An operation, compiled: what may be known of it before there is a caller. */
export interface GuardedOperation {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  readonly fragments: Fragments
  readonly selections: GuardedSelections
  /** The guards that the operation references, ascending; their positions are the bits of the mask. */
  readonly referencedGuards: Requirement
  /** Whether it selects `__schema` or `__type`. */
  readonly introspects: boolean
  /** The policies to decide before authorizing. */
  readonly policies: readonly string[]
  /** The variables that decide about @skip and @include, with their defaults. */
  readonly conditionVariables: ConditionVariables
}

/** A selection set; a named fragment's is shared by all its spreads. */
export interface GuardedSelections {
  readonly node: SelectionSetNode
  readonly selections: readonly GuardedSelection[]
}

/** A field or a fragment with its requirements. */
export type GuardedSelection = GuardedField | GuardedFragment

interface Conditional {
  /** All of them have to be true; a constant false one is `never`. */
  readonly conditions: readonly Condition[]
}

/** A field with its requirements. */
export interface GuardedField extends Conditional {
  readonly kind: 'field'
  readonly node: FieldNode
  readonly responseKey: string
  readonly name: string
  /** The type on which it is selected. */
  readonly parentType: string
  readonly requirement: Requirement
  readonly abstract: boolean
  readonly selections: GuardedSelections | undefined
}

/** An inline fragment or a spread with what its type demands. */
export interface GuardedFragment extends Conditional {
  readonly kind: 'fragment'
  readonly node: InlineFragmentNode | FragmentSpreadNode
  /** The type to which it applies; undefined for an inline fragment without a condition. */
  readonly typeCondition: string | undefined
  readonly requirement: Requirement
  readonly selections: GuardedSelections
}

/** What introspection demands, by `authorization.introspection`. */
export interface CompileOptions {
  /** What `__schema` and `__type` demand. */
  readonly introspection: Requirement
  /** Policies to decide if the operation introspects. */
  readonly introspectionPolicies: readonly string[]
}

/** Fields that every type, or the root, has without any definition in the schema. */
const metaFields: ReadonlyMap<string, string> = new Map([
  ['__typename', 'String'],
  ['__schema', '__Schema'],
  ['__type', '__Type'],
])

/**
 * Returns the operation of that name, compiled. The document has passed validation: what it names
 * exists. A failure all the same is an error, since a field unknown here is a field unguarded.
 */
export function guardOperation(
  schema: GuardedSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  options: CompileOptions,
): GuardedOperation {
  const operation = getOperationAST(document, operationName)
  if (!operation) throw unknown(operationName ? `operation ${operationName}` : 'single operation')
  const rootType = schema.rootType(operation.operation)
  if (rootType === undefined) throw unknown(`root type for ${operation.operation}`)
  const fragments = fragmentsOf(document)
  const compiledFragments = new Map<string, GuardedSelections>()
  const referenced = new Set<number>()
  let introspects = false

  const selections = compileSet(operation.selectionSet, rootType)
  return {
    document,
    operation,
    fragments,
    selections,
    referencedGuards: [...referenced].sort((left, right) => left - right),
    introspects,
    policies: policiesToAsk(),
    conditionVariables: conditionVariables(operation, fragments),
  }

  function compileSet(node: SelectionSetNode, parentType: string): GuardedSelections {
    return { node, selections: node.selections.map((each) => compileSelection(each, parentType)) }
  }

  function compileSelection(node: SelectionNode, parentType: string): GuardedSelection {
    if (node.kind === Kind.FIELD) return compileField(node, parentType)
    const definition = node.kind === Kind.FRAGMENT_SPREAD ? fragment(node.name.value) : node
    const typeCondition = definition.typeCondition?.name.value
    return {
      kind: 'fragment',
      node,
      typeCondition,
      requirement: refer(typeCondition === undefined ? [] : typeRequirement(typeCondition)),
      selections:
        node.kind === Kind.FRAGMENT_SPREAD
          ? compileFragment(node.name.value)
          : compileSet(node.selectionSet, typeCondition ?? parentType),
      conditions: conditionsOf(node),
    }
  }

  function compileFragment(name: string): GuardedSelections {
    const { selectionSet, typeCondition } = fragment(name)
    return remembered(compiledFragments, name, () =>
      compileSet(selectionSet, typeCondition.name.value),
    )
  }

  function compileField(node: FieldNode, parentType: string): GuardedField {
    const name = node.name.value
    const responseKey = (node.alias ?? node.name).value
    if (responseKey === '__typename' && name !== '__typename') throw reservedAlias(node)
    const namedType =
      metaFields.get(name) ?? schema.types.get(parentType)?.fields.get(name)?.namedType
    if (namedType === undefined) throw unknown(`field ${parentType}.${name}`)
    const meta = metaFields.has(name)
    introspects ||= isIntrospection(name)
    return {
      kind: 'field',
      node,
      responseKey,
      name,
      parentType,
      requirement: refer(fieldRequirement(parentType, name)),
      abstract: isAbstract(namedType),
      selections: node.selectionSet && !meta ? compileSet(node.selectionSet, namedType) : undefined,
      conditions: conditionsOf(node),
    }
  }

  function refer(requirement: Requirement): Requirement {
    for (const guard of requirement) referenced.add(guard)
    return requirement
  }

  function fieldRequirement(parentType: string, name: string): Requirement {
    if (isIntrospection(name)) return options.introspection
    return metaFields.has(name) ? [] : schema.fieldRequirement(parentType, name)
  }

  function typeRequirement(name: string): Requirement {
    const type = schema.types.get(name)
    if (!type) throw unknown(`type ${name}`)
    return type.requirement
  }

  function isAbstract(name: string): boolean {
    const kind = schema.types.get(name)?.kind
    return kind === 'interface' || kind === 'union'
  }

  function fragment(name: string): FragmentDefinitionNode {
    const definition = fragments.get(name)
    if (!definition) throw unknown(`fragment ${name}`)
    return definition
  }

  function policiesToAsk(): string[] {
    const names = policiesOf([...referenced].map((number) => schema.guards[number]!))
    return [...new Set([...names, ...(introspects ? options.introspectionPolicies : [])])]
  }
}

/** The executor reads the type of a value from `__typename`: an alias could make it another type. */
function reservedAlias(node: FieldNode): GraphQLError {
  return new GraphQLError('`__typename` cannot be the alias of another field', {
    nodes: node,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  })
}

function unknown(what: string): Error {
  return new Error(`authorization was given a document that was not validated: no ${what}`)
}
