/** What the arguments of a field cost: their weights, and 1 for each input object. */
import {
  getNamedType,
  getNullableType,
  isInputObjectType,
  isLeafType,
  isListType,
  Kind,
} from 'graphql'
import type { GraphQLInputType, ValueNode } from 'graphql'
import { isObject } from '../../values/json.ts'
import type { CostDirectives } from './cost-directives.ts'
import { sum } from './formula.ts'
import type { Formula } from './formula.ts'

/** Returns the value of a variable as the subgraph gets it: its default if it is absent. */
export type VariableValue = (variables: Readonly<Record<string, unknown>>, name: string) => unknown

/**
 * Returns the function for the cost of a value: the weight of the argument or input field, else that of its
 * type, for the value and for each element of a list; null costs nothing.
 */
export function inputCosts(
  directives: CostDirectives,
  variableValue: VariableValue,
): (node: ValueNode, type: GraphQLInputType, weight: number | undefined) => Formula {
  return costOf

  function costOf(node: ValueNode, type: GraphQLInputType, weight: number | undefined): Formula {
    if (isFree(type, weight)) return 0
    if (node.kind === Kind.VARIABLE) {
      const name = node.name.value
      return ({ variables }) => costOfValue(variableValue(variables, name), type, weight)
    }
    if (node.kind === Kind.NULL) return 0
    if (node.kind === Kind.LIST) {
      return sum([
        weightOf(type, weight, 0),
        ...node.values.map((element) => costOf(element, elementOf(type), weight)),
      ])
    }
    const named = getNamedType(type)
    if (node.kind !== Kind.OBJECT || !isInputObjectType(named)) return weightOf(type, weight, 0)
    const fields = named.getFields()
    return sum([
      weightOf(type, weight, 1),
      ...node.fields.map(({ name, value }) => {
        const field = fields[name.value]
        return field ? costOf(value, field.type, ofInputField(named.name, field.name)) : 0
      }),
    ])
  }

  function costOfValue(value: unknown, type: GraphQLInputType, weight: number | undefined): number {
    if (value === undefined || value === null) return 0
    if (Array.isArray(value) && isListType(getNullableType(type))) {
      let cost = weightOf(type, weight, 0)
      for (const element of value) cost += costOfValue(element, elementOf(type), weight)
      return cost
    }
    const named = getNamedType(type)
    if (!isObject(value) || !isInputObjectType(named)) return weightOf(type, weight, 0)
    let cost = weightOf(type, weight, 1)
    const fields = named.getFields()
    for (const name of Object.keys(value)) {
      if (!Object.hasOwn(fields, name)) continue
      const field = fields[name]!
      cost += costOfValue(value[name], field.type, ofInputField(named.name, name))
    }
    return cost
  }

  function ofInputField(type: string, field: string): number | undefined {
    return directives.inputFields.get(`${type}.${field}`)
  }

  function weightOf(type: GraphQLInputType, weight: number | undefined, otherwise: number) {
    return weight ?? directives.types.get(getNamedType(type).name) ?? otherwise
  }

  function isFree(type: GraphQLInputType, weight: number | undefined): boolean {
    return isLeafType(getNamedType(type)) && weightOf(type, weight, 0) === 0
  }
}

/** A single value stands for a list of one (GraphQL, section 3.11). */
function elementOf(type: GraphQLInputType): GraphQLInputType {
  const nullable = getNullableType(type)
  return isListType(nullable) ? (nullable.ofType as GraphQLInputType) : nullable
}
