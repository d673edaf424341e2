/**
 * What an operation costs at most, before it is executed: a formula over its variables (the IBM GraphQL
 * Cost Directives, as Apollo's `@cost` and `@listSize` have them). Fields of one response name cost once, as they
 * are executed once.
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
import type { Condition } from '../../graphql/conditions.ts'
import { fragmentsOf } from '../../graphql/fragments.ts'
import { objectNumbers } from '../../values/object-numbers.ts'
import { remembered } from '../../values/remembered.ts'
import { inputCosts } from './arguments-cost.ts'
import type { VariableValue } from './arguments-cost.ts'
import type { CostDirectives, FieldDirectives, SizedFields } from './cost-directives.ts'
import { greatest, product, sum, where } from './formula.ts'
import type { Formula } from './formula.ts'
import { listLength } from './list-length.ts'
import { intersections, possibleTypes, typeSet } from './type-sets.ts'
import type { TypeSet } from './type-sets.ts'

/** What a mutation costs besides what it selects: it changes something. */
export const costOfMutation = 10

export interface CostOptions {
  /** The schema that clients see. */
  readonly apiSchema: GraphQLSchema
  readonly directives: CostDirectives
  /** The length of a list of which the schema says nothing. */
  readonly listSize: number
  /** Called with each list field of a document, for explanations. */
  readonly onList?: ((list: CountedList) => void) | undefined
}

/** A list field, and how many elements it is counted with. */
export interface CountedList {
  /** `Query.books`. */
  readonly coordinate: string
  readonly length: Formula
  /** Who says so: `@listSize`, of the field or of one above it, or `limits.cost.list_size`. */
  readonly by: 'schema' | 'setting'
}

/** A part of what a selection set costs: for objects of some types. */
interface Part {
  readonly types: TypeSet
  readonly cost: Formula
}

/** Fields that are executed as one (GraphQL, section 6.3.2): of one type, response name and conditions. */
interface MergedField {
  readonly parent: CompositeTypeWithFields
  readonly types: TypeSet
  readonly conditions: readonly Condition[]
  /** At least one. All have the same name and arguments, or the document would not be valid. */
  readonly nodes: FieldNode[]
}

type CompositeTypeWithFields = Exclude<GraphQLCompositeType, { getTypes(): unknown }>

/** What a selection set is collected for. */
interface Scope {
  readonly parent: GraphQLCompositeType
  /** The types of objects that the selections are for. */
  readonly types: TypeSet
  /** The conditions of the fragments around. */
  readonly conditions: readonly Condition[]
}

/** The list fields of a selection set that the field above has given a length. */
interface Sized {
  readonly fields: SizedFields
  readonly length: Formula
}

/** Returns the function for the cost of a valid document that has one operation. */
export function operationCosts({
  apiSchema,
  directives,
  listSize,
  onList,
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
    const numberOf = objectNumbers()
    const ofSets = new Map<string, Formula>()

    const rootType = apiSchema.getRootType(operation.operation)!
    return sum([
      operation.operation === OperationTypeNode.MUTATION ? costOfMutation : 0,
      costOfObject([operation.selectionSet], rootType, 0, undefined),
    ])

    /**
     * Returns the cost of one object with all that these sets select of it: the highest of its possible types.
     */
    function costOfObject(
      sets: readonly SelectionSetNode[],
      type: GraphQLCompositeType,
      weight: number | undefined,
      sized: Sized | undefined,
    ): Formula {
      const cost = () => mostExpensive(type, weight, partsOf(sets, type, sized))
      if (sized) return cost()
      return remembered(ofSets, [weight, ...sets.map(numberOf)].join(), cost)
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

    /** Returns the parts of these selection sets, those for the same types added up. */
    function partsOf(
      sets: readonly SelectionSetNode[],
      parent: GraphQLCompositeType,
      sized: Sized | undefined,
    ): readonly Part[] {
      const costs = new Map<TypeSet, Formula[]>()
      for (const field of fieldsOf(sets, parent)) {
        for (const { types, cost } of partsOfField(field, sized)) {
          if (cost !== 0) remembered(costs, types, () => []).push(cost)
        }
      }
      return [...costs].map(([types, terms]) => ({ types, cost: sum(terms) }))
    }

    /** Collects the fields of selection sets, with their fragments expanded (CollectFields, section 6.3.2). */
    function fieldsOf(
      sets: readonly SelectionSetNode[],
      parent: GraphQLCompositeType,
    ): Iterable<MergedField> {
      const fields = new Map<string, MergedField>()
      const visited = new Set<string>()
      const all: Scope = { parent, types: possibleOf(parent), conditions: [] }
      for (const set of sets) collect(set, all)
      return fields.values()

      function collect({ selections }: SelectionSetNode, scope: Scope): void {
        for (const selection of selections) {
          const conditions = together(scope.conditions, conditionsOf(selection).filter(isOpen))
          if (selection.kind === Kind.FIELD) addField(selection, { ...scope, conditions })
          else collectFragment(selection, { ...scope, conditions })
        }
      }

      function collectFragment(
        selection: Exclude<SelectionNode, FieldNode>,
        { parent, types, conditions }: Scope,
      ): void {
        const { typeCondition, selectionSet } =
          selection.kind === Kind.FRAGMENT_SPREAD ? fragments.get(selection.name.value)! : selection
        const inner = typeCondition ? compositeType(typeCondition.name.value) : parent
        const scope = { parent: inner, types: common(types, possibleOf(inner)), conditions }
        if (scope.types.types.length === 0) return
        const key = [numberOf(selectionSet), keyOf(scope)].join()
        if (visited.has(key)) return
        visited.add(key)
        collect(selectionSet, scope)
      }

      function addField(node: FieldNode, scope: Scope): void {
        const { parent } = scope
        if (node.name.value.startsWith('__') || !('getFields' in parent)) return
        const { value } = node.alias ?? node.name
        remembered(fields, [value, keyOf(scope)].join(), () => ({
          ...scope,
          parent,
          nodes: [],
        })).nodes.push(node)
      }
    }

    function keyOf({ parent, types, conditions }: Scope): string {
      return [parent.name, numberOf(types), ...conditions.map(conditionText)].join()
    }

    /** The implementations of an interface can say different things of a field. */
    function partsOfField(
      { parent, types: ofScope, conditions, nodes }: MergedField,
      sized: Sized | undefined,
    ): readonly Part[] {
      const name = nodes[0]!.name.value
      const field = parent.getFields()[name]!
      return directivesOf(parent, field).flatMap(({ types: declaring, directives: own }) => {
        const types = common(declaring, ofScope)
        if (types.types.length === 0) return []
        const cost = costOfField(nodes, field, `${parent.name}.${name}`, own, sized)
        return [{ types, cost: where(conditions, cost, defaults) }]
      })
    }

    function costOfField(
      nodes: readonly FieldNode[],
      field: GraphQLField<unknown, unknown>,
      coordinate: string,
      { weight, listSize: ownSize, arguments: weights }: FieldDirectives,
      above: Sized | undefined,
    ): Formula {
      const given = nodes[0]!.arguments ?? []
      const sliced = { coordinate, definitions: field.args, given }
      const length = ownSize && listLength(sliced, ownSize, listSize, variableValue)
      const fromAbove = above?.fields.get(field.name)
      const lists = listsIn(field)
      const outermost = (fromAbove === 'list' ? above?.length : length) ?? length ?? listSize
      if (onList && lists > 0) {
        const by = fromAbove === 'list' || ownSize ? 'schema' : 'setting'
        onList({ coordinate, length: outermost, by })
      }
      // Nothing says how long the lists in a list are.
      const count = lists === 0 ? 1 : product(outermost, listSize ** (lists - 1))
      const below =
        typeof fromAbove === 'object'
          ? sizedBy(fromAbove, above?.length)
          : sizedBy(ownSize?.sizedFields, length)
      const each = costOfValue(nodes, field, weight, below)
      const ofArguments = given.map(({ name, value }) => {
        const definition = field.args.find((one) => one.name === name.value)
        return definition
          ? inputCost(value, definition.type, weights.get(definition.name), variableValue)
          : 0
      })
      return notNegative(sum([product(count, notNegative(each)), ...ofArguments]))
    }

    function costOfValue(
      nodes: readonly FieldNode[],
      field: GraphQLField<unknown, unknown>,
      weight: number | undefined,
      sized: Sized | undefined,
    ): Formula {
      const named = getNamedType(field.type)
      if (isLeafType(named)) return weight ?? directives.types.get(named.name) ?? 0
      return costOfObject(
        nodes.map(({ selectionSet }) => selectionSet!),
        named,
        weight,
        sized,
      )
    }
  }

  function compositeType(name: string): GraphQLCompositeType {
    return apiSchema.getType(name) as GraphQLCompositeType
  }

  /** Returns what is said of a field, for each of the types that it may be a field of. */
  function directivesOf(
    parent: CompositeTypeWithFields,
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

/** Whether a condition may not hold. */
function isOpen({ kind, if: value }: Condition): boolean {
  return typeof value === 'string' || value !== (kind === 'include')
}

/** Returns all these conditions, each once and in one order. */
function together(outer: readonly Condition[], inner: readonly Condition[]): readonly Condition[] {
  if (inner.length === 0) return outer
  const all = new Map([...outer, ...inner].map((one) => [conditionText(one), one]))
  return [...all].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, condition]) => condition)
}

function conditionText(condition: Condition): string {
  return `${condition.kind} ${JSON.stringify(condition.if)}`
}

function sizedBy(fields: SizedFields | undefined, length: Formula | undefined): Sized | undefined {
  if (!fields || length === undefined) return undefined
  return { fields, length }
}

interface DirectivesOfTypes {
  readonly types: TypeSet
  readonly directives: FieldDirectives
}

const nothing: FieldDirectives = { weight: undefined, listSize: undefined, arguments: new Map() }

/**
 * Returns what a type and its interfaces say of a field. An interface speaks for its implementations: the highest
 * weight counts, and the first list size.
 */
export function combined(all: readonly FieldDirectives[]): FieldDirectives {
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

/**
 * Returns the function for the values of variables. CoerceVariableValues (GraphQL, section 6.1.2) uses a default only
 * where the request has no value.
 */
export function variablesOf({ variableDefinitions = [] }: OperationDefinitionNode): VariableValue {
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
