/** What an operation has cost, by its response: the estimate with the lists as long as they were. */
import {
  getNamedType,
  getOperationAST,
  isAbstractType,
  isLeafType,
  isObjectType,
  Kind,
} from 'graphql'
import type {
  DocumentNode,
  FieldNode,
  GraphQLCompositeType,
  GraphQLNamedOutputType,
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

/** The most values and objects of a response, and selections, that are looked at. */
const mostSteps = 200_000

class TooManySteps extends Error {}

/** A field that is selected of the objects of a type. */
interface SelectedField {
  readonly type: GraphQLNamedOutputType
  readonly weight: number | undefined
  readonly ofArguments: number
  readonly sets: readonly SelectionSetNode[]
}

/** By response name. */
type SelectedFields = ReadonlyMap<string, SelectedField>

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
    const selected = new Map<readonly SelectionSetNode[], Map<GraphQLObjectType, SelectedFields>>()
    let left = mostSteps
    const ofOperation = operation.operation === 'mutation' ? costOfMutation : 0
    try {
      const root = apiSchema.getRootType(operation.operation)!
      return ofOperation + (isObject(data) ? fieldsOf(data, root, [operation.selectionSet]) : 0)
    } catch (error) {
      if (error instanceof TooManySteps) return undefined
      throw error
    }

    function step(): void {
      if (--left < 0) throw new TooManySteps()
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
      const name = object['__typename']
      const known = typeof name === 'string' ? apiSchema.getType(name) : undefined
      if (isObjectType(known) && apiSchema.isSubType(declared, known)) return [known]
      return apiSchema.getPossibleTypes(declared)
    }

    /** What conditions leave out is not in the response. */
    function fieldsOf(
      object: Readonly<Record<string, unknown>>,
      type: GraphQLObjectType,
      sets: readonly SelectionSetNode[],
    ): number {
      step()
      const fields = selectedFields(sets, type)
      let cost = 0
      for (const key in object) {
        const field = fields.get(key)
        if (field) cost += Math.max(0, field.ofArguments + costOfValue(object[key], field))
      }
      return cost
    }

    /** Collects the fields once for all objects of a type: there can be many of them, and many selections. */
    function selectedFields(sets: readonly SelectionSetNode[], type: GraphQLObjectType) {
      const byType = remembered(selected, sets, () => new Map<GraphQLObjectType, SelectedFields>())
      return remembered(byType, type, () => {
        const nodes = new Map<string, FieldNode[]>()
        const visited = new Set<SelectionSetNode>()
        for (const set of sets) collect(set)
        return new Map(
          [...nodes].flatMap(([key, all]) => {
            const field = selectedField(type, all)
            return field ? [[key, field] as const] : []
          }),
        )

        function collect(set: SelectionSetNode): void {
          if (visited.has(set)) return
          visited.add(set)
          for (const one of set.selections) {
            step()
            if (one.kind === Kind.FIELD) {
              const isCounted = !one.name.value.startsWith('__')
              if (isCounted) remembered(nodes, (one.alias ?? one.name).value, () => []).push(one)
              continue
            }
            const { typeCondition, selectionSet } =
              one.kind === Kind.INLINE_FRAGMENT ? one : fragments.get(one.name.value)!
            const applies = typeConditionApplies(apiSchema, typeCondition?.name.value, type)
            if (applies) collect(selectionSet)
          }
        }
      })
    }

    function selectedField(
      type: GraphQLObjectType,
      nodes: readonly FieldNode[],
    ): SelectedField | undefined {
      const [{ name, arguments: given = [] }] = nodes as [FieldNode, ...FieldNode[]]
      const field = type.getFields()[name.value]
      if (!field) return undefined
      const { weight, arguments: weights } = combined(
        [type, ...type.getInterfaces()].flatMap(
          (one) => directives.fields.get(`${one.name}.${field.name}`) ?? [],
        ),
      )
      let ofArguments = 0
      for (const argument of given) {
        const definition = field.args.find((one) => one.name === argument.name.value)
        if (!definition) continue
        const ownWeight = weights.get(definition.name)
        const cost = inputCost(argument.value, definition.type, ownWeight, variableValue)
        ofArguments += valueOf(cost, { variables, unsliced: undefined })
      }
      const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
      return { type: getNamedType(field.type), weight, ofArguments, sets }
    }

    function costOfValue(value: unknown, field: SelectedField): number {
      step()
      if (value === null || value === undefined) return 0
      if (Array.isArray(value)) {
        return value.reduce<number>((sum, one) => sum + costOfValue(one, field), 0)
      }
      const { type, weight, sets } = field
      if (isLeafType(type)) return Math.max(0, weight ?? directives.types.get(type.name) ?? 0)
      return isObject(value) ? costOfObject(value, type, weight, sets) : 0
    }
  }
}
