/** What is wrong with the variables of a request: the sentences of graphql-js, and a bound for them. */
import { getVariableValues, GraphQLError } from 'graphql'
import type { GraphQLSchema, VariableDefinitionNode } from 'graphql'

/** The most errors that are reported; each of them quotes the value that it is about. */
const mostErrors = 20

/** Returns the errors of the variables; the last one says if there are more. */
export function variableErrors(
  schema: GraphQLSchema,
  definitions: readonly VariableDefinitionNode[],
  variables: Readonly<Record<string, unknown>>,
): readonly GraphQLError[] {
  const { errors = [] } = getVariableValues(schema, definitions, variables, {
    maxErrors: mostErrors,
  })
  return errors.map((error, index) => {
    if (index < mostErrors) return error
    return new GraphQLError(
      `More than ${mostErrors} values are invalid: the others are not listed`,
      error.nodes ? { nodes: error.nodes } : {},
    )
  })
}

/** Returns the error for a variable of `@skip` or `@include` that is null. */
export function nullCondition(name: string): GraphQLError {
  return new GraphQLError(`Variable "$${name}" of non-null type "Boolean!" must not be null.`)
}
