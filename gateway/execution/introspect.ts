import { executeSync, Kind } from 'graphql'
import type { DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode } from 'graphql'
import type { VariableValues } from './check-variables.ts'

export interface Introspection {
  readonly schema: GraphQLSchema
  readonly document: DocumentNode
  readonly definition: OperationDefinitionNode
  /** The `__schema` and `__type` fields of the operation. */
  readonly fields: readonly FieldNode[]
}

/** Returns the JSON texts of the fields, by response name: graphql-js answers them. */
export function introspect(
  { schema, document, definition, fields }: Introspection,
  variables: VariableValues,
): Readonly<Record<string, string>> {
  if (fields.length === 0) return {}
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION)
  const { data, errors } = executeSync({
    schema,
    document: {
      kind: Kind.DOCUMENT,
      definitions: [
        { ...definition, selectionSet: { kind: Kind.SELECTION_SET, selections: fields } },
        ...fragments,
      ],
    },
    variableValues: variables,
  })
  if (errors?.[0]) throw errors[0]
  const texts = Object.entries(data ?? {}).map(([key, value]) => [key, JSON.stringify(value)])
  return Object.fromEntries(texts) as Record<string, string>
}
