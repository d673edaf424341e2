/**
 * `__schema` and `__type`, wherever an operation selects them: graphql-js executes them, by the whole
 * schema or by the part of it that the caller may use. The planner never gets to see them.
 */
import { executeSync, Kind, OperationTypeNode } from 'graphql'
import type { FieldNode, GraphQLSchema } from 'graphql'
import { LRUCache } from 'lru-cache'
import { remembered } from '../values/remembered.ts'
import type { Introspect } from '../graphql/response-shape.ts'
import type { Requirement } from './guarded-schema.ts'
import { GatewayError } from '../errors.ts'
import type { Authorizer } from './authorizer.ts'
import type { Caller } from '../client-request.ts'
import type { GuardedOperation } from './guarded-operation.ts'
import type { Variables } from './conditions.ts'
import { trimmedDocument } from '../graphql/trimmed-document.ts'
import { visibleSchemas } from './visible-schema.ts'

/** How many different views of the schema are kept. */
const viewsKept = 16

/**
 * Returns the function that makes what executes the introspection fields of one request, whose variables
 * have been checked. Callers that satisfy the same guards share a view.
 *
 * @param apiSchema the schema that clients see, as the executor built it
 */
export function introspection({ schema, options, failing }: Authorizer, apiSchema: GraphQLSchema) {
  const isFiltered = options.introspection === 'filtered' && options.mode !== 'dry_run'
  const visible = visibleSchemas(apiSchema, schema)
  const views = new LRUCache<string, GraphQLSchema>({ max: viewsKept })

  return (
    compiled: GuardedOperation,
    caller: Caller,
    variables: Variables,
    granted?: ReadonlySet<string>,
  ): Introspect => {
    const values = new Map<string, unknown>()
    const numbers = new Map<FieldNode, number>()
    return (nodes) => {
      // Below a list, the same nodes come once for each element.
      const key = nodes.map((node) => remembered(numbers, node, () => numbers.size)).join()
      if (!values.has(key)) values.set(key, execute(nodes))
      return values.get(key)
    }

    function execute(nodes: readonly FieldNode[]): unknown {
      const view = isFiltered ? viewFor(failing(caller, granted)) : apiSchema
      const [field] = nodes
      if (!field) return undefined
      const selectionSet = { kind: Kind.SELECTION_SET, selections: nodes } as const
      // The fields belong to the type of queries, even where an operation of another kind reaches it.
      const operation = { ...compiled.operation, operation: OperationTypeNode.QUERY, selectionSet }
      const document = trimmedDocument(operation, compiled.fragments)
      const { data, errors } = executeSync({ schema: view, document, variableValues: variables })
      // A null in a variable that has a default, where none may be: validation lets it pass.
      if (errors?.[0]) throw new GatewayError('BAD_USER_INPUT', { message: errors[0].message })
      return data?.[(field.alias ?? field.name).value]
    }
  }

  function viewFor(guards: ReadonlySet<number>): GraphQLSchema {
    const denies = (requirement: Requirement) => requirement.some((guard) => guards.has(guard))
    return remembered(views, [...guards].join(), () => visible(denies))
  }
}
