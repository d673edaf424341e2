/**
 * Limits the fields of one operation. Every field of Query and Mutation queries the database, and a
 * response with lists has items times fields values: without a limit, two thousand aliases in one
 * request would block all other requests for seconds.
 */
import type { FieldNode, GraphQLNamedType, GraphQLSchema, ValidationRule } from 'graphql'
import { badInput } from '../bad-input.ts'

/** The most fields that an operation may have, by parent type. */
export const fieldLimits = { Query: 20, Mutation: 20, all: 300 }

/**
 * Refuses a document with more fields than the limits, before it is executed. Each field counts where
 * it is written, under an alias or in a fragment: the executed root fields are never more than that.
 */
export const boundedOperation: ValidationRule = (context) => {
  const found = { Query: 0, Mutation: 0, all: 0 }
  return {
    Field(_node: FieldNode) {
      found.all++
      const root = rootName(context.getSchema(), context.getParentType())
      if (root) found[root]++
    },
    Document: {
      leave() {
        for (const where of ['Mutation', 'Query', 'all'] as const) {
          if (found[where] <= fieldLimits[where]) continue
          const fields = where === 'all' ? 'fields of auth' : `fields of ${where}`
          context.reportError(
            badInput(
              `At most ${fieldLimits[where]} ${fields} are allowed per operation: send several operations`,
              { limit: fieldLimits[where] },
            ),
          )
          return
        }
      },
    },
  }
}

function rootName(
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined | null,
): 'Query' | 'Mutation' | undefined {
  if (!type) return undefined
  if (type === schema.getQueryType()) return 'Query'
  return type === schema.getMutationType() ? 'Mutation' : undefined
}
