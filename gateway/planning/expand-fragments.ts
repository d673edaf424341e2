/**
 * The fault: the planner fails on a fragment in a subgraph that does not have its type. If a
 * subgraph has interface objects, it has none of the types that implement the interface.
 */
import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  isUnionType,
  Kind,
} from 'graphql'
import type {
  DirectiveNode,
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  InlineFragmentNode,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { applied, argument } from '../graphql/supergraph-directives.ts'
import { GatewayError } from '../errors.ts'
import { fragmentsOf } from '../graphql/fragments.ts'
import { typenameField } from '../graphql/introspection-fields.ts'
import type { OperationToPlan, PassRules } from './passes.ts'

/** The most selections of an operation with its fragments written out. */
const mostSelections = 100_000

/**
 * Returns the operation with an inline fragment for each spread. A fragment that fits no object is left
 * out; a type condition that fits every object is, too.
 */
export function expandFragments(
  operation: OperationDefinitionNode,
  { apiSchema: schema, interfaceObjects }: Pick<PassRules, 'apiSchema' | 'interfaceObjects'>,
  { document }: OperationToPlan,
): OperationDefinitionNode {
  const fragments = fragmentsOf(document)
  let selections = 0
  const root = schema.getRootType(operation.operation)!
  return { ...operation, selectionSet: expand(operation.selectionSet, root) }

  function expand(set: SelectionSetNode, parent: GraphQLCompositeType): SelectionSetNode {
    const expanded = withoutRepeatedSpreads(set.selections).flatMap((one) =>
      expandSelection(one, parent),
    )
    return {
      kind: Kind.SELECTION_SET,
      selections: expanded.length > 0 ? expanded : [typenameField],
    }
  }

  function expandSelection(
    selection: SelectionNode,
    parent: GraphQLCompositeType,
  ): readonly SelectionNode[] {
    if (++selections > mostSelections) throw new GatewayError('OPERATION_TOO_COMPLEX')
    if (selection.kind === Kind.FIELD) return [expandField(selection, parent)]
    const { directives } = selection
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const condition = selection.typeCondition?.name.value
      return expandFragment(condition, selection.selectionSet, parent, directives)
    }
    const fragment = fragments.get(selection.name.value)
    if (!fragment) return []
    const condition = fragment.typeCondition.name.value
    return expandFragment(condition, fragment.selectionSet, parent, directives)
  }

  function expandField(field: FieldNode, parent: GraphQLCompositeType): FieldNode {
    if (!field.selectionSet || isUnionType(parent)) return field
    const definition = parent.getFields()[field.name.value]
    const type = definition && getNamedType(definition.type)
    // Introspection has types of its own, and no part in the plan.
    if (!isCompositeType(type)) return field
    return { ...field, selectionSet: expand(field.selectionSet, type) }
  }

  function expandFragment(
    condition: string | undefined,
    set: SelectionSetNode,
    parent: GraphQLCompositeType,
    directives: readonly DirectiveNode[] | undefined,
  ): readonly SelectionNode[] {
    const wanted = condition === undefined ? parent : schema.getType(condition)
    if (!isCompositeType(wanted)) return []
    return narrow(parent, wanted).map((type) => {
      const remaining = type === parent ? undefined : type.name
      return inlineFragment(expand(set, type), directives, remaining)
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
    // Without any object type, nothing says which objects fit: interface objects are left.
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

/** Returns the interfaces of a supergraph for which some subgraph has interface objects. */
export function interfaceObjectsOf(supergraph: DocumentNode): Set<string> {
  const names = new Set<string>()
  for (const type of supergraph.definitions) {
    if (type.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    const joins = applied(type.directives, 'join__type')
    const isOne = joins.some((join) => argument(join, 'isInterfaceObject') === true)
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
