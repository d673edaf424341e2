/** Responses of subgraphs, made up from the types of the supergraph: they have the right form, and no meaning. */
import { Kind, parse } from 'graphql'
import type {
  DocumentNode,
  FragmentDefinitionNode,
  OperationTypeNode,
  SelectionSetNode,
  TypeNode,
} from 'graphql'
import { isObject } from '../values/json.ts'
import { madeUpScalar } from './made-up-operations.ts'

/** How many entries a list has, by how many lists are around it. */
const listLengths = [2, 1]

interface KnownTypes {
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, TypeNode>>
  /** The object types of each interface and union. */
  readonly members: ReadonlyMap<string, readonly string[]>
  /** The first value of each enum. */
  readonly enums: ReadonlyMap<string, string>
  readonly roots: Readonly<Partial<Record<OperationTypeNode, string>>>
}

/** Returns a function that makes up the text of the response to the body of a request. */
export function madeUpResponses(supergraph: DocumentNode): (body: string) => string {
  const types = knownTypes(supergraph)

  return (body) => {
    const { query, variables = {} } = JSON.parse(body) as {
      query: string
      variables?: Readonly<Record<string, unknown>>
    }
    const { definitions } = parse(query, { noLocation: true })
    const fragments = new Map<string, FragmentDefinitionNode>()
    for (const definition of definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION)
        fragments.set(definition.name.value, definition)
    }
    const operation = definitions.find(({ kind }) => kind === Kind.OPERATION_DEFINITION)
    if (operation?.kind !== Kind.OPERATION_DEFINITION) return '{"data":null}'
    const root = types.roots[operation.operation] ?? 'Query'
    return JSON.stringify({ data: objectOf(root, operation.selectionSet, 0) })

    function objectOf(type: string, selections: SelectionSetNode, lists: number) {
      const made: Record<string, unknown> = { __typename: type }
      complete(made, type, selections, lists)
      return made
    }

    function complete(
      made: Record<string, unknown>,
      type: string,
      { selections }: SelectionSetNode,
      lists: number,
    ): void {
      for (const selection of selections) {
        if (selection.kind === Kind.FIELD) {
          const { name, alias, arguments: given, selectionSet } = selection
          const key = alias?.value ?? name.value
          if (name.value === '__typename') made[key] = type
          else if (name.value === '_entities') made[key] = entities(given, selectionSet)
          else {
            const fieldType = types.fields.get(type)?.get(name.value)
            made[key] = valueOf(fieldType, selectionSet, lists)
          }
          continue
        }
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value)
        const condition = fragment?.typeCondition?.name.value
        if (fragment && applies(condition, type)) {
          complete(made, type, fragment.selectionSet, lists)
        }
      }
    }

    function valueOf(
      type: TypeNode | undefined,
      selectionSet: SelectionSetNode | undefined,
      lists: number,
    ): unknown {
      if (type?.kind === Kind.NON_NULL_TYPE) return valueOf(type.type, selectionSet, lists)
      if (type?.kind === Kind.LIST_TYPE) {
        const length = listLengths[lists] ?? 1
        return Array.from({ length }, () => valueOf(type.type, selectionSet, lists + 1))
      }
      const name = type?.name.value ?? 'String'
      if (!selectionSet) return types.enums.get(name) ?? madeUpScalar(name)
      return objectOf(types.members.get(name)?.[0] ?? name, selectionSet, lists)
    }

    function entities(
      given: readonly { value: { kind: Kind; name?: unknown } }[] | undefined,
      selectionSet: SelectionSetNode | undefined,
    ): unknown {
      const value = given?.[0]?.value as { name?: { value?: string } } | undefined
      const representations = variables[value?.name?.value ?? '']
      if (!Array.isArray(representations) || !selectionSet) return []
      return representations.map((representation) =>
        isObject(representation)
          ? objectOf(String(representation['__typename']), selectionSet, 0)
          : null,
      )
    }
  }

  function applies(condition: string | undefined, type: string): boolean {
    if (condition === undefined || condition === type) return true
    return types.members.get(condition)?.includes(type) ?? false
  }
}

function knownTypes({ definitions }: DocumentNode): KnownTypes {
  const fields = new Map<string, Map<string, TypeNode>>()
  const members = new Map<string, string[]>()
  const enums = new Map<string, string>()
  const roots: Partial<Record<OperationTypeNode, string>> = {}
  const addMember = (abstract: string, member: string) => {
    const known = members.get(abstract)
    if (known) known.push(member)
    else members.set(abstract, [member])
  }
  for (const definition of definitions) {
    switch (definition.kind) {
      case Kind.SCHEMA_DEFINITION:
        for (const { operation, type } of definition.operationTypes)
          roots[operation] = type.name.value
        break
      case Kind.OBJECT_TYPE_DEFINITION:
      case Kind.INTERFACE_TYPE_DEFINITION: {
        const name = definition.name.value
        fields.set(
          name,
          new Map((definition.fields ?? []).map(({ name, type }) => [name.value, type])),
        )
        if (definition.kind === Kind.INTERFACE_TYPE_DEFINITION) break
        for (const { name: abstract } of definition.interfaces ?? [])
          addMember(abstract.value, name)
        break
      }
      case Kind.UNION_TYPE_DEFINITION:
        for (const member of definition.types ?? [])
          addMember(definition.name.value, member.name.value)
        break
      case Kind.ENUM_TYPE_DEFINITION:
        enums.set(definition.name.value, definition.values?.[0]?.name.value ?? '')
    }
  }
  return { fields, members, enums, roots }
}
