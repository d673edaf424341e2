/**
 * What an operation costs at most, before it is executed: a formula over its variables (the IBM GraphQL
 * Cost Directives, as Apollo's `@cost` and `@listSize` have them). Each fragment is measured once.
 */
import {
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  Kind,
  OperationTypeNode,
  valueFromASTUntyped,
} from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLField,
  GraphQLObjectType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionNode,
  SelectionSetNode,
} from 'graphql'
import { conditionsOf, conditionVariables } from '../../graphql/conditions.ts'
import { fragmentsOf } from '../../graphql/fragments.ts'
import { remembered } from '../../values/remembered.ts'
import { inputCosts } from './arguments-cost.ts'
import type { VariableValue } from './arguments-cost.ts'
import type { CostDirectives, FieldDirectives, SizedFields } from './cost-directives.ts'
import { greatest, product, sum, where } from './formula.ts'
import type { Formula } from './formula.ts'
import { listLength } from './list-length.ts'
import { intersections, possibleTypes, typeSet } from './type-sets.ts'
import type { TypeSet } from './type-sets.ts'

/** A mutation changes something, whatever it selects. */
const costOfMutation = 10

export interface CostOptions {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly directives: CostDirectives
  /** The length of a list of which the schema says nothing. */
  readonly listSize: number
}

/** A part of what a selection set costs: for objects of some types. */
interface Part {
  readonly types: TypeSet
  readonly cost: Formula
}

/** The list fields of a selection set that the field above has given a length. */
interface Sized {
  readonly fields: SizedFields
  readonly length: Formula
  readonly fragments: Map<string, readonly Part[]>
}

/** Returns the function for the cost of a valid document that has one operation. */
export function operationCosts({
  apiSchema,
  directives,
  listSize,
}: CostOptions): (document: DocumentNode) => Formula {
  const possibleOf = possibleTypes(apiSchema)
  const inputCost = inputCosts(directives)
  const said = new Map<string, readonly DirectivesOfTypes[]>()

  return (document) => {
    const operation = document.definitions.find(
      (definition): definition is OperationDefinitionNode =>
        definition.kind === Kind.OPERATION_DEFINITION,
    )!
    const fragments = fragmentsOf(document)
    const defaults = conditionVariables(operation, fragments)
    const variableValue = variablesOf(operation)
    const common = intersections()
    const ofFragments = new Map<string, readonly Part[]>()
    const ofSets = new Map<SelectionSetNode, Map<number | undefined, Formula>>()

    const rootType = apiSchema.getRootType(operation.operation)!
    return sum([
      operation.operation === OperationTypeNode.MUTATION ? costOfMutation : 0,
      costOfObject(operation.selectionSet, rootType, 0, undefined),
    ])

    /** Returns the cost of one object with all that is selected of it: the highest of its possible types. */
    function costOfObject(
      set: SelectionSetNode,
      type: GraphQLCompositeType,
      weight: number | undefined,
      sized: Sized | undefined,
    ): Formula {
      if (sized) return mostExpensive(type, weight, partsOf(set, type, sized))
      const known = remembered(ofSets, set, () => new Map<number | undefined, Formula>())
      return remembered(known, weight, () =>
        mostExpensive(type, weight, partsOf(set, type, undefined)),
      )
    }

    function mostExpensive(
      type: GraphQLCompositeType,
      weight: number | undefined,
      parts: readonly Part[],
    ): Formula {
      const possible = possibleOf(type)
      if (possible.types.length === 0) return 0
      const ofAll = parts.filter(({ types }) => common(types, possible) === possible)
      const ofSome = parts.filter((part) => !ofAll.includes(part))
      const ofType = new Map<string, number[]>()
      for (const [index, { types }] of ofSome.entries()) {
        for (const { name } of types.types) remembered(ofType, name, () => []).push(index)
      }
      const alternatives = new Map<string, { weight: number; costs: readonly Formula[] }>()
      for (const name of possible.names) {
        const own = ofType.get(name) ?? []
        const key = own.join()
        const known = alternatives.get(key)
        const weightOfType = weight ?? directives.types.get(name) ?? 1
        alternatives.set(key, {
          weight: Math.max(weightOfType, known?.weight ?? -Infinity),
          costs: known?.costs ?? own.map((index) => ofSome[index]!.cost),
        })
      }
      const costs = [...alternatives.values()].map(({ weight, costs }) => sum([weight, ...costs]))
      return sum([greatest(costs), ...ofAll.map(({ cost }) => cost)])
    }

    /** Returns the parts of a selection set, those for the same types added up. */
    function partsOf(
      { selections }: SelectionSetNode,
      parent: GraphQLCompositeType,
      sized: Sized | undefined,
    ): readonly Part[] {
      const costs = new Map<TypeSet, Formula[]>()
      for (const selection of selections) {
        for (const { types, cost } of partsOfSelection(selection, parent, sized)) {
          if (cost !== 0) remembered(costs, types, () => []).push(cost)
        }
      }
      return [...costs].map(([types, terms]) => ({ types, cost: sum(terms) }))
    }

    function partsOfSelection(
      selection: SelectionNode,
      parent: GraphQLCompositeType,
      sized: Sized | undefined,
    ): readonly Part[] {
      const conditions = conditionsOf(selection)
      const parts =
        selection.kind === Kind.FIELD
          ? partsOfField(selection, parent, sized)
          : withinTypes(parent, partsOfFragment(selection, parent, sized))
      if (conditions.length === 0) return parts
      return parts.map(({ types, cost }) => ({ types, cost: where(conditions, cost, defaults) }))
    }

    function partsOfFragment(
      selection: Exclude<SelectionNode, FieldNode>,
      parent: GraphQLCompositeType,
      sized: Sized | undefined,
    ): readonly Part[] {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value
        return partsOf(selection.selectionSet, condition ? compositeType(condition) : parent, sized)
      }
      return remembered(sized?.fragments ?? ofFragments, selection.name.value, (name) => {
        const { typeCondition, selectionSet } = fragments.get(name)!
        return partsOf(selectionSet, compositeType(typeCondition.name.value), sized)
      })
    }

    function withinTypes(parent: GraphQLCompositeType, parts: readonly Part[]): readonly Part[] {
      return parts.flatMap(({ types, cost }) => {
        const both = common(types, possibleOf(parent))
        return both.types.length === 0 ? [] : [{ types: both, cost }]
      })
    }

    /** The implementations of an interface can say different things of a field. */
    function partsOfField(
      node: FieldNode,
      parent: GraphQLCompositeType,
      sized: Sized | undefined,
    ): readonly Part[] {
      const name = node.name.value
      if (name.startsWith('__') || !('getFields' in parent)) return []
      const field = parent.getFields()[name]!
      return directivesOf(parent, field).map(({ types, directives: own }) => ({
        types,
        cost: costOfField(node, field, `${parent.name}.${name}`, own, sized),
      }))
    }

    function costOfField(
      node: FieldNode,
      field: GraphQLField<unknown, unknown>,
      coordinate: string,
      { weight, listSize: ownSize, arguments: weights }: FieldDirectives,
      above: Sized | undefined,
    ): Formula {
      const given = node.arguments ?? []
      const sliced = { coordinate, definitions: field.args, given }
      const length = ownSize && listLength(sliced, ownSize, listSize, variableValue)
      const fromAbove = above?.fields.get(field.name)
      const lists = listsIn(field)
      const outermost = (fromAbove === 'list' ? above?.length : length) ?? length ?? listSize
      // Nothing says how long the lists in a list are.
      const count = lists === 0 ? 1 : product(outermost, listSize ** (lists - 1))
      const below =
        typeof fromAbove === 'object'
          ? sizedBy(fromAbove, above?.length)
          : sizedBy(ownSize?.sizedFields, length)
      const each = costOfValue(node, field, weight, below)
      const ofArguments = given.map(({ name, value }) => {
        const definition = field.args.find((one) => one.name === name.value)
        return definition
          ? inputCost(value, definition.type, weights.get(definition.name), variableValue)
          : 0
      })
      return notNegative(sum([product(count, notNegative(each)), ...ofArguments]))
    }

    function costOfValue(
      node: FieldNode,
      field: GraphQLField<unknown, unknown>,
      weight: number | undefined,
      sized: Sized | undefined,
    ): Formula {
      const named = getNamedType(field.type)
      if (isLeafType(named)) return weight ?? directives.types.get(named.name) ?? 0
      return costOfObject(node.selectionSet!, named, weight, sized)
    }
  }

  function compositeType(name: string): GraphQLCompositeType {
    return apiSchema.getType(name) as GraphQLCompositeType
  }

  /** Returns what is said of a field, for each of the types that it may be a field of. */
  function directivesOf(
    parent: Exclude<GraphQLCompositeType, { getTypes(): unknown }>,
    { name }: GraphQLField<unknown, unknown>,
  ): readonly DirectivesOfTypes[] {
    return remembered(said, `${parent.name}.${name}`, () => {
      const possible = possibleOf(parent)
      const groups = new Map<
        string,
        { types: GraphQLObjectType[]; all: readonly FieldDirectives[] }
      >()
      for (const type of possible.types) {
        const declaring = new Set([type, ...type.getInterfaces(), parent])
        const coordinates = [...declaring]
          .map((one) => `${one.name}.${name}`)
          .filter((coordinate) => directives.fields.has(coordinate))
        const all = coordinates.map((one) => directives.fields.get(one)!)
        remembered(groups, coordinates.join(), () => ({ types: [], all })).types.push(type)
      }
      return [...groups.values()].map(({ types, all }) => ({
        types: groups.size === 1 ? possible : typeSet(types),
        directives: combined(all),
      }))
    })
  }

  /** Only a schema with negative weights has negative costs: an argument can make a field cheaper. */
  function notNegative(cost: Formula): Formula {
    if (typeof cost === 'number') return Math.max(0, cost)
    return directives.hasNegative ? greatest([0, cost]) : cost
  }
}

function sizedBy(fields: SizedFields | undefined, length: Formula | undefined): Sized | undefined {
  if (!fields || length === undefined) return undefined
  return { fields, length, fragments: new Map() }
}

interface DirectivesOfTypes {
  readonly types: TypeSet
  readonly directives: FieldDirectives
}

const nothing: FieldDirectives = { weight: undefined, listSize: undefined, arguments: new Map() }

/** An interface speaks for its implementations: the highest weight counts, and the first list size. */
function combined(all: readonly FieldDirectives[]): FieldDirectives {
  const [first, ...more] = all
  if (!first || more.length === 0) return first ?? nothing
  const weights = all.flatMap(({ weight }) => (weight === undefined ? [] : [weight]))
  const ofArguments = new Map<string, number>()
  for (const [name, weight] of all.flatMap((one) => [...one.arguments])) {
    ofArguments.set(name, Math.max(weight, ofArguments.get(name) ?? -Infinity))
  }
  return {
    weight: weights.length > 0 ? Math.max(...weights) : undefined,
    listSize: all.find(({ listSize }) => listSize)?.listSize,
    arguments: ofArguments,
  }
}

function listsIn({ type }: GraphQLField<unknown, unknown>): number {
  let lists = 0
  for (
    let inner = getNullableType(type);
    isListType(inner);
    inner = getNullableType(inner.ofType)
  ) {
    lists++
  }
  return lists
}

/** CoerceVariableValues (GraphQL, section 6.1.2) uses a default only where the request has no value. */
function variablesOf({ variableDefinitions = [] }: OperationDefinitionNode): VariableValue {
  const defaults = new Map(
    variableDefinitions.map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue && valueFromASTUntyped(defaultValue),
    ]),
  )
  return (variables, name) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    return value === undefined ? defaults.get(name) : value
  }
}
