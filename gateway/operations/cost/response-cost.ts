/** What an operation has cost, by its response: the estimate with the lists as long as they were. */
import { getNamedType, getOperationAST, isAbstractType, isLeafType, Kind } from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLObjectType,
  SelectionSetNode,
} from 'graphql'
import { fragmentsOf } from '../../graphql/fragments.ts'
import { typeConditionApplies } from '../../graphql/type-conditions.ts'
import { isObject } from '../../values/json.ts'
import { remembered } from '../../values/remembered.ts'
import { inputCosts } from './arguments-cost.ts'
import { valueOf } from './formula.ts'
import { combined, costOfMutation, variablesOf } from './operation-cost.ts'
import type { CostOptions } from './operation-cost.ts'

/** The most values of a response that are counted. */
const mostValues = 100_000

class TooManyValues extends Error {}

/**
 * Returns the function for the cost of a response to a valid document that has one operation; undefined for one that
 * is very large. An object of an interface or union without `__typename` counts as the most expensive type that it
 * may have.
 */
export function responseCosts({
  apiSchema,
  directives,
}: Pick<CostOptions, 'apiSchema' | 'directives'>) {
  const inputCost = inputCosts(directives)

  return (
    document: DocumentNode,
    variables: Readonly<Record<string, unknown>>,
    data: unknown,
  ): number | undefined => {
    const operation = getOperationAST(document)!
    const fragments = fragmentsOf(document)
    const variableValue = variablesOf(operation)
    let left = mostValues
    const ofOperation = operation.operation === 'mutation' ? costOfMutation : 0
    try {
      const root = apiSchema.getRootType(operation.operation)!
      return ofOperation + (isObject(data) ? fieldsOf(data, root, [operation.selectionSet]) : 0)
    } catch (error) {
      if (error instanceof TooManyValues) return undefined
      throw error
    }

    function costOfObject(
      object: Readonly<Record<string, unknown>>,
      declared: GraphQLCompositeType,
      weight: number | undefined,
      sets: readonly SelectionSetNode[],
    ): number {
      const costs = typesOf(object, declared).map(
        (type) => (weight ?? directives.types.get(type.name) ?? 1) + fieldsOf(object, type, sets),
      )
      return Math.max(0, ...costs)
    }

    function typesOf(
      object: Readonly<Record<string, unknown>>,
      declared: GraphQLCompositeType,
    ): readonly GraphQLObjectType[] {
      if (!isAbstractType(declared)) return [declared]
      const possible = apiSchema.getPossibleTypes(declared)
      const known = possible.filter(({ name }) => name === object['__typename'])
      return known.length > 0 ? known : possible
    }

    function fieldsOf(
      object: Readonly<Record<string, unknown>>,
      type: GraphQLObjectType,
      sets: readonly SelectionSetNode[],
    ): number {
      const fields = new Map<string, FieldNode[]>()
      for (const set of sets) collect(set, object, type, fields)
      let cost = 0
      for (const [key, nodes] of fields) cost += costOfField(object[key], type, nodes)
      return cost
    }

    /** What conditions leave out is not in the response. */
    function collect(
      { selections }: SelectionSetNode,
      object: Readonly<Record<string, unknown>>,
      type: GraphQLObjectType,
      fields: Map<string, FieldNode[]>,
    ): void {
      for (const one of selections) {
        if (one.kind === Kind.FIELD) {
          const key = (one.alias ?? one.name).value
          if (!one.name.value.startsWith('__') && Object.hasOwn(object, key)) {
            remembered(fields, key, () => []).push(one)
          }
          continue
        }
        const { typeCondition, selectionSet } =
          one.kind === Kind.INLINE_FRAGMENT ? one : fragments.get(one.name.value)!
        if (!typeConditionApplies(apiSchema, typeCondition?.name.value, type)) continue
        collect(selectionSet, object, type, fields)
      }
    }

    function costOfField(
      value: unknown,
      type: GraphQLObjectType,
      nodes: readonly FieldNode[],
    ): number {
      const [{ name, arguments: given = [] }] = nodes as [FieldNode, ...FieldNode[]]
      const field = type.getFields()[name.value]
      if (!field) return 0
      const own = combined(
        [type, ...type.getInterfaces()].flatMap(
          (one) => directives.fields.get(`${one.name}.${field.name}`) ?? [],
        ),
      )
      const named = getNamedType(field.type)
      const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
      const ofArguments = given.map((argument) => {
        const definition = field.args.find((one) => one.name === argument.name.value)
        if (!definition) return 0
        const weight = own.arguments.get(definition.name)
        const cost = inputCost(argument.value, definition.type, weight, variableValue)
        return valueOf(cost, { variables, unsliced: undefined })
      })
      return Math.max(
        0,
        ofArguments.reduce((sum, cost) => sum + cost, costOfValue(value)),
      )

      function costOfValue(value: unknown): number {
        if (--left < 0) throw new TooManyValues()
        if (value === null || value === undefined) return 0
        if (Array.isArray(value)) {
          return value.reduce<number>((sum, one) => sum + costOfValue(one), 0)
        }
        if (isLeafType(named))
          return Math.max(0, own.weight ?? directives.types.get(named.name) ?? 0)
        return isObject(value) ? costOfObject(value, named, own.weight, sets) : 0
      }
    }
  }
}
