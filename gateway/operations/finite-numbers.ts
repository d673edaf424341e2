import { GraphQLError } from 'graphql'
import type { FloatValueNode, IntValueNode, ValidationRule } from 'graphql'

/** The validation rule that refuses numbers too large for the 64 bits of a Float: `1e999`. */
export const finiteNumbers: ValidationRule = (context) => {
  const refuseInfinite = (node: IntValueNode | FloatValueNode) => {
    if (Number.isFinite(Number(node.value))) return
    const message = 'A number in the document is larger than a Float can be'
    context.reportError(new GraphQLError(message, { nodes: node }))
  }
  return { IntValue: refuseInfinite, FloatValue: refuseInfinite }
}
