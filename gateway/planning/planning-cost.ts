/**
 * How long the planner will search for a plan: an estimate, which takes no longer than reading the
 * operation.
 *
 * The planner follows each path to a field separately. Where a field leads to other objects, every
 * subgraph that can resolve it is one more path for everything below, so that the number of paths
 * grows exponentially with the depth of the operation.
 */
import {
  getNamedType,
  getOperationAST,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
  Kind,
} from 'graphql'
import type {
  ConstDirectiveNode,
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLCompositeType,
  GraphQLSchema,
  ObjectTypeDefinitionNode,
  SelectionSetNode,
} from 'graphql'

/** By `Type.field`: how many subgraphs the planner can take the field from, if more than one. */
export type FieldAlternatives = ReadonlyMap<string, number>

/** Returns the alternatives of all fields of a supergraph. */
export function fieldAlternatives(supergraph: DocumentNode): Map<string, number> {
  const alternatives = new Map<string, number>()
  for (const type of supergraph.definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION && type.kind !== Kind.INTERFACE_TYPE_DEFINITION) {
      continue
    }
    const entered = subgraphsEntered(type)
    for (const { name, directives } of type.fields ?? []) {
      const joins = applied(directives, 'join__field')
      const owners = joins.filter((join) => argument(join, 'external') !== true)
      const graphs = owners
        .map((join) => argument(join, 'graph'))
        .filter((graph) => graph !== undefined)
      const isEverywhere = joins.length === 0 || graphs.length < owners.length
      const count = isEverywhere
        ? entered.size
        : new Set(graphs.filter((graph) => entered.has(graph))).size
      if (count > 1) alternatives.set(`${type.name.value}.${name.value}`, count)
    }
  }
  return alternatives
}

/** Returns the subgraphs in which a fetch can start with the type: those with a key, or as a root. */
function subgraphsEntered(type: Pick<ObjectTypeDefinitionNode, 'name' | 'directives'>) {
  const isRoot = ['Query', 'Mutation'].includes(type.name.value)
  const joins = applied(type.directives, 'join__type').filter(
    (join) =>
      isRoot || (argument(join, 'key') !== undefined && argument(join, 'resolvable') !== false),
  )
  return new Set(joins.map((join) => argument(join, 'graph')))
}

/** Returns the function that estimates: about the number of steps that the planner's search takes. */
export function planningCost(
  schema: GraphQLSchema,
  alternatives: FieldAlternatives,
): (document: DocumentNode, operationName: string | undefined) => number {
  return (document, operationName) => {
    const operation = getOperationAST(document, operationName)
    const root = operation && schema.getRootType(operation.operation)
    if (!operation || !root) return 0
    const fragments = new Map(
      document.definitions
        .filter((one): one is FragmentDefinitionNode => one.kind === Kind.FRAGMENT_DEFINITION)
        .map((fragment) => [fragment.name.value, fragment]),
    )
    const known = new Map<string, number>()
    return costOf(operation.selectionSet, root)

    function costOf(set: SelectionSetNode, parent: GraphQLCompositeType): number {
      let cost = 0
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) cost += costOfField(selection, parent)
        else if (selection.kind === Kind.FRAGMENT_SPREAD) {
          cost += costOfSpread(selection.name.value, parent)
        } else {
          const condition = selection.typeCondition?.name.value
          cost += costOf(selection.selectionSet, typeNamed(condition) ?? parent)
        }
      }
      return cost
    }

    /** A fragment costs the same wherever it is spread: each is looked at once. */
    function costOfSpread(name: string, parent: GraphQLCompositeType): number {
      const before = known.get(name)
      if (before !== undefined) return before
      const fragment = fragments.get(name)
      if (!fragment) return 0
      const condition = typeNamed(fragment.typeCondition.name.value)
      const cost = costOf(fragment.selectionSet, condition ?? parent)
      known.set(name, cost)
      return cost
    }

    function costOfField(field: FieldNode, parent: GraphQLCompositeType): number {
      const { name, selectionSet } = field
      if (!selectionSet || !('getFields' in parent)) return 1
      const definition = parent.getFields()[name.value]
      const type = definition && getNamedType(definition.type)
      if (!isCompositeType(type)) return 1
      return pathsOf(parent, name.value) * (1 + costOf(selectionSet, type))
    }
  }

  function typeNamed(name: string | undefined): GraphQLCompositeType | undefined {
    const type = name === undefined ? undefined : schema.getType(name)
    return isCompositeType(type) ? type : undefined
  }

  /** The field of an interface is planned for each of its object types where they differ. */
  function pathsOf(parent: GraphQLCompositeType, field: string): number {
    if (isObjectType(parent) || !isAbstractType(parent)) {
      return alternatives.get(`${parent.name}.${field}`) ?? 1
    }
    const members = schema.getPossibleTypes(parent)
    const own = isInterfaceType(parent) ? alternatives.get(`${parent.name}.${field}`) : undefined
    const most = Math.max(1, ...members.map((one) => alternatives.get(`${one.name}.${field}`) ?? 1))
    return Math.max(own ?? 1, most > 1 ? most * members.length : 1)
  }
}

function applied(directives: readonly ConstDirectiveNode[] | undefined, name: string) {
  return (directives ?? []).filter((directive) => directive.name.value === name)
}

function argument(directive: ConstDirectiveNode, name: string): string | boolean | undefined {
  const value = directive.arguments?.find((one) => one.name.value === name)?.value
  return value && 'value' in value ? value.value : undefined
}
