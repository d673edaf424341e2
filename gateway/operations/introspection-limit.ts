import {
  getIntrospectionQuery,
  GraphQLError,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
} from 'graphql'
import type { GraphQLSchema, SelectionSetNode, ValidationRule } from 'graphql'
import { fragmentsOf } from '../graphql/fragments.ts'
import { isIntrospection } from '../graphql/introspection-fields.ts'
import { measuredFragments } from './measured-fragments.ts'
import type { FindFragment } from './measured-fragments.ts'

/** The most that an operation may introspect, in queries for the complete schema. */
const mostComplete = 3

/** How many objects a list of other names has, roughly: arguments, interfaces, directives. */
const shortList = 4
/** Most types are wrapped in one or two others: a chain of `ofType` ends long before the query for it. */
const wrapped = 0.4
const shortLists = new Set(['args', 'directives', 'interfaces', 'possibleTypes'])
const listsOfType = new Set(['fields', 'inputFields', 'enumValues'])

const complete = parse(
  getIntrospectionQuery({
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  }),
)

/**
 * The validation rule that refuses operations that introspect the schema many times: a few hundred
 * aliases of `__schema` are a short request with a response of many megabytes.
 */
export const introspectionLimit: ValidationRule = (context) => {
  let introspects = false
  return {
    Field: ({ name }) => {
      introspects ||= isIntrospection(name.value)
    },
    Document: {
      leave(document) {
        if (!introspects) return
        const costOf = introspectionCost(context.getSchema(), (name) => context.getFragment(name))
        const limit = mostComplete * completeCost(context.getSchema())
        for (const definition of document.definitions) {
          if (definition.kind !== Kind.OPERATION_DEFINITION) continue
          if (costOf(definition.selectionSet) <= limit) continue
          const message =
            'The operation introspects the schema too many times: select each part once'
          context.reportError(new GraphQLError(message, { nodes: definition }))
        }
      },
    },
  }
}

function completeCost(schema: GraphQLSchema): number {
  const fragments = fragmentsOf(complete)
  const [operation] = complete.definitions
  if (operation?.kind !== Kind.OPERATION_DEFINITION) throw new Error('no introspection query')
  return introspectionCost(schema, (name) => fragments.get(name))(operation.selectionSet)
}

/** Returns roughly how many fields of the schema's description a selection set resolves. */
function introspectionCost(schema: GraphQLSchema, fragmentNamed: FindFragment) {
  const costInside = measuredFragments(fragmentNamed, (set) => costOf(set, true))
  const costOutside = measuredFragments(fragmentNamed, (set) => costOf(set, false))
  const types = Object.values(schema.getTypeMap())
  const fields = types.map((type) =>
    isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
      ? Object.keys(type.getFields()).length
      : 1,
  )
  const fieldsOfType = Math.ceil(fields.reduce((sum, count) => sum + count, 0) / types.length)
  return (set: SelectionSetNode) => costOf(set, false)

  function costOf({ selections }: SelectionSetNode, isInside: boolean): number {
    let cost = 0
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        cost += (isInside ? costInside : costOutside)(selection.name.value)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        cost += costOf(selection.selectionSet, isInside)
      } else {
        const name = selection.name.value
        const inside = isInside || isIntrospection(name)
        const below = selection.selectionSet ? costOf(selection.selectionSet, inside) : 0
        cost += isInside ? 1 + lengthOf(name) * below : below
      }
    }
    return cost
  }

  function lengthOf(field: string): number {
    if (field === 'types') return types.length
    if (field === 'ofType') return wrapped
    if (listsOfType.has(field)) return fieldsOfType
    return shortLists.has(field) ? shortList : 1
  }
}
