/** An operation with what it demands, selection by selection: made once for each operation text. */
import { GraphQLError, Kind } from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  InlineFragmentNode,
  NamedTypeNode,
  FragmentSpreadNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
  TypeNode,
} from 'graphql'
import type { GuardedSchema, Requirement } from './guarded-schema.ts'

export interface GuardedOperation {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>
  readonly rootType: string
  readonly selections: GuardedSelections
  /** The guards that the operation touches, ascending; their positions are the bits of the mask. */
  readonly touched: Requirement
  /** Whether it selects `__schema` or `__type`. */
  readonly introspects: boolean
  /** The policies to ask before authorizing. */
  readonly policies: readonly string[]
  /** The variables that decide about @skip and @include, with their defaults. */
  readonly conditionVariables: ReadonlyMap<string, boolean | undefined>
}

/** A selection set; a named fragment's is shared by all its spreads. */
export interface GuardedSelections {
  readonly node: SelectionSetNode
  readonly selections: readonly GuardedSelection[]
}

export type GuardedSelection = GuardedField | GuardedFragment

interface Conditional {
  /** All of them have to hold; a constant one that does not hold is `never`. */
  readonly conditions: readonly Condition[]
}

export interface Condition {
  readonly kind: 'skip' | 'include'
  readonly if: boolean | string
}

export interface GuardedField extends Conditional {
  readonly kind: 'field'
  readonly node: FieldNode
  readonly responseKey: string
  readonly name: string
  /** The type on which it is selected. */
  readonly parentType: string
  readonly requirement: Requirement
  readonly type: TypeNode
  readonly namedType: string
  readonly abstract: boolean
  readonly selections: GuardedSelections | undefined
}

export interface GuardedFragment extends Conditional {
  readonly kind: 'fragment'
  readonly node: InlineFragmentNode | FragmentSpreadNode
  /** The type to which it applies; undefined for an inline fragment without a condition. */
  readonly typeCondition: string | undefined
  readonly requirement: Requirement
  readonly selections: GuardedSelections
}

export interface CompileOptions {
  /** What `__schema` and `__type` demand. */
  readonly introspection: Requirement
  /** Policies to ask for whenever the operation introspects. */
  readonly introspectionPolicies: readonly string[]
}

function metaType(name: string): NamedTypeNode {
  return { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: name } }
}

/** Fields that every type, or the root, has without any definition in the schema. */
const metaFields: ReadonlyMap<string, TypeNode> = new Map<string, TypeNode>([
  ['__typename', { kind: Kind.NON_NULL_TYPE, type: metaType('String') }],
  ['__schema', { kind: Kind.NON_NULL_TYPE, type: metaType('__Schema') }],
  ['__type', metaType('__Type')],
])

export function isIntrospection(name: string): boolean {
  return name === '__schema' || name === '__type'
}

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
  const operation = operationNamed(document, operationName)
  const rootType = schema.rootType(operation.operation)
  if (rootType === undefined) throw unknown(`a root type for ${operation.operation}`)
  const fragments = new Map(fragmentsOf(document).map((node) => [node.name.value, node] as const))
  const compiledFragments = new Map<string, GuardedSelections>()
  const touched = new Set<number>()
  const conditionNames = new Set<string>()
  let introspects = false

  const selections = compileSet(operation.selectionSet, rootType)
  const defaults = new Map(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue?.kind === Kind.BOOLEAN ? defaultValue.value : undefined,
    ]),
  )
  return {
    document,
    operation,
    fragments,
    rootType,
    selections,
    touched: [...touched].sort((left, right) => left - right),
    introspects,
    policies: policiesToAsk(),
    conditionVariables: new Map([...conditionNames].map((name) => [name, defaults.get(name)])),
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
      requirement: touch(typeCondition === undefined ? [] : typeRequirement(typeCondition)),
      selections:
        node.kind === Kind.FRAGMENT_SPREAD
          ? compileFragment(node.name.value)
          : compileSet(node.selectionSet, typeCondition ?? parentType),
      conditions: conditionsOf(node),
    }
  }

  function compileFragment(name: string): GuardedSelections {
    const known = compiledFragments.get(name)
    if (known) return known
    const { selectionSet, typeCondition } = fragment(name)
    const compiled = compileSet(selectionSet, typeCondition.name.value)
    compiledFragments.set(name, compiled)
    return compiled
  }

  function compileField(node: FieldNode, parentType: string): GuardedField {
    const name = node.name.value
    const responseKey = (node.alias ?? node.name).value
    if (responseKey === '__typename' && name !== '__typename') throw reservedAlias(node)
    const type = metaFields.get(name) ?? schema.types.get(parentType)?.fields.get(name)?.type
    if (!type) throw unknown(`the field ${parentType}.${name}`)
    const namedType = namedTypeOf(type)
    const meta = metaFields.has(name)
    introspects ||= isIntrospection(name)
    return {
      kind: 'field',
      node,
      responseKey,
      name,
      parentType,
      requirement: touch(fieldRequirement(parentType, name)),
      type,
      namedType,
      abstract: isAbstract(namedType),
      selections: node.selectionSet && !meta ? compileSet(node.selectionSet, namedType) : undefined,
      conditions: conditionsOf(node),
    }
  }

  function conditionsOf(node: SelectionNode): Condition[] {
    const conditions = (node.directives ?? []).flatMap((directive) => conditionOf(directive) ?? [])
    for (const condition of conditions) {
      if (typeof condition.if === 'string') conditionNames.add(condition.if)
    }
    return conditions
  }

  function touch(requirement: Requirement): Requirement {
    for (const guard of requirement) touched.add(guard)
    return requirement
  }

  function fieldRequirement(parentType: string, name: string): Requirement {
    if (isIntrospection(name)) return options.introspection
    return metaFields.has(name) ? [] : schema.fieldRequirement(parentType, name)
  }

  function typeRequirement(name: string): Requirement {
    const type = schema.types.get(name)
    if (!type) throw unknown(`the type ${name}`)
    return type.requirement
  }

  function isAbstract(name: string): boolean {
    const kind = schema.types.get(name)?.kind
    return kind === 'interface' || kind === 'union'
  }

  function fragment(name: string): FragmentDefinitionNode {
    const definition = fragments.get(name)
    if (!definition) throw unknown(`the fragment ${name}`)
    return definition
  }

  function policiesToAsk(): string[] {
    const names = [...touched].flatMap((number) => {
      const guard = schema.guards[number]
      return guard?.kind === 'policies' ? guard.anyOf.flat() : []
    })
    return [...new Set([...names, ...(introspects ? options.introspectionPolicies : [])])]
  }
}

function operationNamed(
  document: DocumentNode,
  name: string | null | undefined,
): OperationDefinitionNode {
  const operations = document.definitions.filter(
    (node): node is OperationDefinitionNode => node.kind === Kind.OPERATION_DEFINITION,
  )
  const chosen = name ? operations.filter((node) => node.name?.value === name) : operations
  if (chosen.length !== 1) throw unknown(name ? `the operation ${name}` : 'one operation to run')
  return chosen[0]!
}

function fragmentsOf(document: DocumentNode): FragmentDefinitionNode[] {
  return document.definitions.filter(
    (node): node is FragmentDefinitionNode => node.kind === Kind.FRAGMENT_DEFINITION,
  )
}

function conditionOf(directive: DirectiveNode): Condition | undefined {
  const kind = directive.name.value
  if (kind !== 'skip' && kind !== 'include') return undefined
  const value = directive.arguments?.find(({ name }) => name.value === 'if')?.value
  if (value?.kind === Kind.VARIABLE) return { kind, if: value.name.value }
  return value?.kind === Kind.BOOLEAN ? { kind, if: value.value } : undefined
}

function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type)
}

/** The engine tells the type of a value by `__typename`: an alias could make it tell another. */
function reservedAlias(node: FieldNode): GraphQLError {
  return new GraphQLError('`__typename` cannot be the alias of another field', {
    nodes: node,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  })
}

function unknown(what: string): Error {
  return new Error(`authorization was given a document that was not validated: no ${what}`)
}
