/** `__schema` and `__type`, answered with what the caller may use. */
import { executeSync, Kind } from 'graphql'
import type { GraphQLSchema, SelectionNode } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Authorizer } from './authorizer.ts'
import type { ResponseData } from './answer-with-denials.ts'
import type { Caller } from './caller-masks.ts'
import { isIntrospection } from './compile-operation.ts'
import type { CompiledOperation, CompiledSelections } from './compile-operation.ts'
import { conditionValues, takesPart } from './conditions.ts'
import type { Variables } from './conditions.ts'
import { trimmedDocument } from './trimmed-document.ts'
import { visibleSchemas } from './visible-schema.ts'

export type Introspect = (
  compiled: CompiledOperation,
  caller: Caller,
  variables: Variables,
  granted?: ReadonlySet<string>,
) => ResponseData

/** How many different views of the schema are kept. */
const viewsKept = 16

/**
 * Returns the function that answers an operation's introspection. Callers who meet the same guards
 * share a view.
 *
 * @param apiSchema the schema that clients see, as the engine made it
 */
export function filteredIntrospection(
  { schema, failing }: Authorizer,
  apiSchema: GraphQLSchema,
): Introspect {
  const visible = visibleSchemas(apiSchema, schema)
  const views = new LRUCache<string, GraphQLSchema>({ max: viewsKept })

  return (compiled, caller, variables, granted) => {
    const selections = introspectionOnly(compiled, variables)
    if (selections.length === 0) return {}
    const document = trimmedDocument(
      { ...compiled.operation, selectionSet: { kind: Kind.SELECTION_SET, selections } },
      compiled.fragments,
    )
    const view = viewFor(failing(caller, granted))
    const { data } = executeSync({ schema: view, document, variableValues: variables })
    return { ...data }
  }

  function viewFor(guards: ReadonlySet<number>): GraphQLSchema {
    const key = [...guards].join()
    const known = views.get(key)
    if (known) return known
    const made = visible((requirement) => requirement.some((guard) => guards.has(guard)))
    views.set(key, made)
    return made
  }
}

/** The root's introspection fields that take part; fragments at the root are written out, each once. */
function introspectionOnly(compiled: CompiledOperation, variables: Variables): SelectionNode[] {
  const values = conditionValues(compiled, variables)
  const visited = new Set<CompiledSelections>()
  return fieldsOf(compiled.selections)

  function fieldsOf(set: CompiledSelections): SelectionNode[] {
    if (visited.has(set)) return []
    visited.add(set)
    return set.selections.flatMap((selection) => {
      if (!takesPart(selection.conditions, values)) return []
      if (selection.kind === 'fragment') return fieldsOf(selection.selections)
      return isIntrospection(selection.name) ? [selection.node] : []
    })
  }
}
