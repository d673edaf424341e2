/** The schemas of the subgraphs for gateways that know only the first version of federation. */
import { Kind, parse, print, visit } from 'graphql'
import type { ConstDirectiveNode, FieldDefinitionNode, ObjectTypeDefinitionNode } from 'graphql'

/** The subgraph that defines an entity; the others extend it. */
const owners: Readonly<Record<string, string>> = {
  User: 'accounts',
  Product: 'products',
  Review: 'reviews',
  Order: 'orders',
  Customer: 'customers',
  Address: 'addresses',
  City: 'cities',
}
const rootTypes = ['Query', 'Mutation']
const known = ['key', 'external', 'requires']
const external: ConstDirectiveNode = {
  kind: Kind.DIRECTIVE,
  name: { kind: Kind.NAME, value: 'external' },
}

/** Returns the schema of a subgraph in the words of the first version of federation. */
export function federationOneSchema(subgraph: string, sdl: string): string {
  const document = visit(parse(sdl), {
    SchemaExtension: () => null,
    Directive: ({ name }) => (known.includes(name.value) ? undefined : null),
    Argument: ({ name }) => (name.value === 'resolvable' ? null : undefined),
    ObjectTypeDefinition: {
      leave: (type) => {
        const owner = owners[type.name.value]
        if (rootTypes.includes(type.name.value))
          return { ...type, kind: Kind.OBJECT_TYPE_EXTENSION }
        if (owner === undefined || owner === subgraph) return undefined
        const fields = type.fields!.map((field) =>
          isKey(type, field) ? withExternal(field) : field,
        )
        return { ...type, kind: Kind.OBJECT_TYPE_EXTENSION, fields }
      },
    },
  })
  return print(document)
}

function isKey({ directives = [] }: ObjectTypeDefinitionNode, { name }: FieldDefinitionNode) {
  return directives.some(
    (directive) =>
      directive.name.value === 'key' &&
      directive.arguments!.some(
        ({ value }) => value.kind === Kind.STRING && value.value === name.value,
      ),
  )
}

function withExternal(field: FieldDefinitionNode): FieldDefinitionNode {
  return { ...field, directives: [...(field.directives ?? []), external] }
}
