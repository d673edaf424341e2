/** What the arguments of a field cost: their weights, and 1 for each input object. */
import { getNamedType, getNullableType, isInputObjectType, isListType, Kind } from 'graphql'
import type { GraphQLInputType, ValueNode } from 'graphql'
import { isObject } from '../../values/json.ts'
import { remembered } from '../../values/remembered.ts'
import type { CostDirectives } from './cost-directives.ts'
import { sum } from './formula.ts'
import type { Formula } from './formula.ts'

/** Returns the value of a variable as the subgraph gets it: its default if it is absent. */
export type VariableValue = (variables: Readonly<Record<string, unknown>>, name: string) => unknown

/** Returns the cost of the value of an argument. */
export type InputCost = (
  node: ValueNode,
  type: GraphQLInputType,
  weight: number | undefined,
  variableValue: VariableValue,
) => Formula

/** Returns the cost of a value that is not null. */
type CostOfValue = (value: unknown) => number

/** The fields of an input type that may cost something. */
type CostOfFields = ReadonlyMap<string, CostOfValue>

/**
 * Returns the function for the cost of a value: the weight of the argument or input field, else that of its
 * type, for the value and for each element of a list; null costs nothing.
 */
export function inputCosts({ types, inputFields }: CostDirectives): InputCost {
  const ofFields = new Map<string, CostOfFields>()
  return costOf

  function costOf(...[node, type, weight, variableValue]: Parameters<InputCost>): Formula {
    if (node.kind === Kind.NULL) return 0
    if (node.kind === Kind.VARIABLE) {
      const ofValue = valueCost(type, weight)
      if (!ofValue) return 0
      const name = node.name.value
      return ({ variables }) => {
        const value = variableValue(variables, name)
        return value === undefined || value === null ? 0 : ofValue(value)
      }
    }
    if (node.kind === Kind.LIST) {
      return sum([
        weightOf(type, weight, 0),
        ...node.values.map((one) => costOf(one, elementOf(type), weight, variableValue)),
      ])
    }
    const named = getNamedType(type)
    if (node.kind !== Kind.OBJECT || !isInputObjectType(named)) return weightOf(type, weight, 0)
    const fields = named.getFields()
    return sum([
      weightOf(type, weight, 1),
      ...node.fields.map(({ name: { value: name }, value }) => {
        const field = fields[name]
        const own = inputFields.get(`${named.name}.${name}`)
        return field ? costOf(value, field.type, own, variableValue) : 0
      }),
    ])
  }

  /** Returns undefined where no value costs anything. */
  function valueCost(type: GraphQLInputType, weight: number | undefined): CostOfValue | undefined {
    const nullable = getNullableType(type)
    const named = getNamedType(type)
    const own = weightOf(type, weight, 0)
    if (isListType(nullable)) {
      const ofElement = valueCost(nullable.ofType as GraphQLInputType, weight)
      if (!ofElement) return undefined
      return (value) => {
        // A single value stands for a list of one (GraphQL, section 3.11).
        if (!Array.isArray(value)) return ofElement(value)
        let cost = own
        for (const element of value) if (element !== null) cost += ofElement(element)
        return cost
      }
    }
    if (!isInputObjectType(named)) return own === 0 ? undefined : () => own
    const ofObject = weightOf(type, weight, 1)
    // An input type can have fields of its own type: they are taken apart when the first value comes.
    let fields: CostOfFields | undefined
    return (value) => {
      if (!isObject(value)) return own
      fields ??= remembered(ofFields, named.name, () => {
        const costs = Object.values(named.getFields()).flatMap((field) => {
          const cost = valueCost(field.type, inputFields.get(`${named.name}.${field.name}`))
          return cost ? [[field.name, cost] as const] : []
        })
        return new Map(costs)
      })
      let cost = ofObject
      for (const [name, ofField] of fields) {
        const inner = Object.hasOwn(value, name) ? value[name] : undefined
        if (inner !== undefined && inner !== null) cost += ofField(inner)
      }
      return cost
    }
  }

  function weightOf(type: GraphQLInputType, weight: number | undefined, otherwise: number): number {
    return weight ?? types.get(getNamedType(type).name) ?? otherwise
  }
}

function elementOf(type: GraphQLInputType): GraphQLInputType {
  const nullable = getNullableType(type)
  return isListType(nullable) ? (nullable.ofType as GraphQLInputType) : nullable
}
