/**
 * Writes fragments out where they are used, without those that no object can fit and without
 * conditions that every object fits. The planner gives up on such fragments in a subgraph that does
 * not know their types, which is the case for all interface objects.
 */
import {
  getNamedType,
  getOperationAST,
  GraphQLError,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
  OperationTypeNode,
} from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLSchema,
  InlineFragmentNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { GatewayError } from '../errors.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import { typenameField } from '../graphql/introspection-fields.ts'
import { nothingKnown, remainingConditions } from './known-conditions.ts'
import type { KnownConditions, RemainingConditions } from './known-conditions.ts'
import { mergeRootFields } from './merge-root-fields.ts'

/** The most selections of an operation with its fragments written out. */
const mostSelections = 100_000

export interface FragmentTypes {
  /** The schema that clients see. */
  readonly schema: GraphQLSchema
  /** The interfaces of which some subgraph has interface objects. */
  readonly interfaceObjects: ReadonlySet<string>
}

/** Returns a document that holds nothing but the operation. */
export function expandFragments(
  { schema, interfaceObjects }: FragmentTypes,
  document: DocumentNode,
  operationName: string | undefined,
): DocumentNode {
  const operation = getOperationAST(document, operationName)
  const root = operation && schema.getRootType(operation.operation)
  if (!operation || !root) throw new GraphQLError('The document has no such operation.')
  const fragments = fragmentsOf(document)
  let selections = 0
  const selectionSet = expand(operation.selectionSet, root, nothingKnown)
  const isMutation = operation.operation === OperationTypeNode.MUTATION
  const expanded = {
    ...operation,
    selectionSet: isMutation ? mergeRootFields(selectionSet) : selectionSet,
  }
  return { kind: Kind.DOCUMENT, definitions: [expanded] }

  function expand(
    set: SelectionSetNode,
    parent: GraphQLCompositeType,
    known: KnownConditions,
  ): SelectionSetNode {
    const expanded = withoutRepeatedSpreads(set.selections).flatMap((one) =>
      expandSelection(one, parent, known),
    )
    return {
      kind: Kind.SELECTION_SET,
      selections: expanded.length > 0 ? expanded : [typenameField],
    }
  }

  function expandSelection(
    selection: SelectionNode,
    parent: GraphQLCompositeType,
    above: KnownConditions,
  ): readonly SelectionNode[] {
    if (++selections > mostSelections) throw new GatewayError('OPERATION_TOO_COMPLEX')
    const conditions = remainingConditions(selection.directives, above)
    if (!conditions) return []
    if (selection.kind === Kind.FIELD) return [expandField(selection, parent, conditions)]
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition?.name.value
      return expandFragment(condition, selection.selectionSet, parent, conditions)
    }
    const fragment = fragments.get(selection.name.value)
    if (!fragment) return []
    const condition = fragment.typeCondition.name.value
    return expandFragment(condition, fragment.selectionSet, parent, conditions)
  }

  function expandField(
    original: FieldNode,
    parent: GraphQLCompositeType,
    { directives, known }: RemainingConditions,
  ): FieldNode {
    const field = original.directives?.length ? { ...original, directives } : original
    if (!field.selectionSet || isUnionType(parent)) return field
    const definition = parent.getFields()[field.name.value]
    const type = definition && getNamedType(definition.type)
    // Introspection has types of its own, and no part in the plan.
    if (!isCompositeType(type)) return field
    const inner = expand(field.selectionSet, type, known)
    // The planner leaves out a field with a condition when all below it have conditions of their own.
    const mayBeEmpty = isConditional(field) && inner.selections.every(isConditional)
    const selections = mayBeEmpty ? [...inner.selections, typenameField] : inner.selections
    return { ...field, selectionSet: { ...inner, selections } }
  }

  function expandFragment(
    condition: string | undefined,
    set: SelectionSetNode,
    parent: GraphQLCompositeType,
    { directives, known }: RemainingConditions,
  ): readonly SelectionNode[] {
    const wanted = condition === undefined ? parent : schema.getType(condition)
    if (!isCompositeType(wanted)) return []
    return narrow(parent, wanted).flatMap((type): readonly SelectionNode[] => {
      const inner = expand(set, type, known)
      if (type !== parent) return [inlineFragment(inner, directives, type.name)]
      return directives.length > 0 ? [inlineFragment(inner, directives)] : inner.selections
    })
  }

  /** Returns the types that together are all objects of `parent` that fit `wanted`. */
  function narrow(
    parent: GraphQLCompositeType,
    wanted: GraphQLCompositeType,
  ): readonly GraphQLCompositeType[] {
    if (parent === wanted) return [parent]
    if (!isUnionType(parent) && isAbstractType(wanted) && schema.isSubType(wanted, parent)) {
      return [parent]
    }
    const candidates = new Set(objectsOf(parent))
    const common = objectsOf(wanted).filter((type) => candidates.has(type))
    // Without any object type there is nothing to tell which objects fit: interface objects are left.
    if (common.length === 0) {
      return candidates.size === 0 || isEmptyInterface(wanted) ? [wanted] : []
    }
    // A subgraph casts its interface objects to object types, but to no other interface or union.
    return common.length === 1 || interfaceObjects.has(parent.name) ? common : [wanted]
  }

  function objectsOf(type: GraphQLCompositeType): readonly GraphQLCompositeType[] {
    return isObjectType(type) ? [type] : schema.getPossibleTypes(type)
  }

  function isEmptyInterface(type: GraphQLCompositeType): boolean {
    return isInterfaceType(type) && schema.getPossibleTypes(type).length === 0
  }
}

/** Returns the interfaces of a supergraph of which some subgraph has interface objects. */
export function interfaceObjectsOf(supergraph: DocumentNode): Set<string> {
  const names = new Set<string>()
  for (const type of supergraph.definitions) {
    if (type.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    const isOne = type.directives?.some((directive) =>
      directive.arguments?.some(
        ({ name, value }) =>
          name.value === 'isInterfaceObject' && value.kind === Kind.BOOLEAN && value.value,
      ),
    )
    if (isOne) names.add(type.name.value)
  }
  return names
}

function inlineFragment(
  selectionSet: SelectionSetNode,
  directives: readonly DirectiveNode[] | undefined,
  condition?: string,
): InlineFragmentNode {
  return {
    kind: Kind.INLINE_FRAGMENT,
    ...(condition === undefined
      ? {}
      : { typeCondition: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: condition } } }),
    ...(directives?.length ? { directives } : {}),
    selectionSet,
  }
}

/** A fragment that is spread again in one selection set adds nothing. */
function withoutRepeatedSpreads(selections: readonly SelectionNode[]): readonly SelectionNode[] {
  const spread = new Set<string>()
  return selections.filter((selection) => {
    if (selection.kind !== Kind.FRAGMENT_SPREAD || selection.directives?.length) return true
    const isRepeated = spread.has(selection.name.value)
    spread.add(selection.name.value)
    return !isRepeated
  })
}

function isConditional(selection: SelectionNode): boolean {
  if (selection.directives?.length) return true
  return (
    selection.kind === Kind.INLINE_FRAGMENT &&
    selection.selectionSet.selections.every(isConditional)
  )
}
