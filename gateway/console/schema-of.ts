/** The schema as an identity may see it: with `introspection: filtered`, each identity has its own. */
import { buildClientSchema, DirectiveLocation, getIntrospectionQuery } from 'graphql'
import type { GraphQLSchema, IntrospectionQuery } from 'graphql'
import type { Credential } from './credential.ts'
import { messageOf } from './graph.ts'
import type { SendOperation } from './graph.ts'

export type ReadSchema =
  | { readonly outcome: 'read'; readonly schema: GraphQLSchema }
  | { readonly outcome: 'refused'; readonly why: string }

const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true })

/** Returns the schema that a caller with this credential may read. */
export async function schemaFor(credential: Credential, send: SendOperation): Promise<ReadSchema> {
  const { result, status } = await send({ query }, credential)
  const [error] = result.errors ?? []
  if (!result.data) return { outcome: 'refused', why: error?.message ?? `HTTP ${status}` }
  try {
    return {
      outcome: 'read',
      schema: buildClientSchema(withDefer(result.data as IntrospectionQuery)),
    }
  } catch (cause) {
    return { outcome: 'refused', why: error?.message ?? messageOf(cause) }
  }
}

/** The gateway accepts `@defer`, which introspection does not show. */
function withDefer({ __schema: schema }: IntrospectionQuery): IntrospectionQuery {
  const argument = (name: string, type: string, defaultValue?: string) => ({
    ...{ name, defaultValue, description: null },
    type: { kind: 'SCALAR', name: type } as const,
  })
  const defer = {
    name: 'defer',
    description: 'The fragment may be sent later.',
    locations: [DirectiveLocation.FRAGMENT_SPREAD, DirectiveLocation.INLINE_FRAGMENT],
    args: [argument('label', 'String'), argument('if', 'Boolean', 'true')],
  }
  return { __schema: { ...schema, directives: [...schema.directives, defer] } }
}

/** Returns whether a root type has a field with these arguments. */
export function hasField(
  schema: GraphQLSchema,
  kind: 'Query' | 'Mutation',
  name: string,
  args: readonly string[] = [],
): boolean {
  const type = kind === 'Query' ? schema.getQueryType() : schema.getMutationType()
  const names = type?.getFields()[name]?.args.map((argument) => argument.name)
  return names !== undefined && args.every((argument) => names.includes(argument))
}
