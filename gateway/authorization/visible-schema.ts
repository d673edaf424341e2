/** The part of a schema that a caller may use: what introspection shows them. */
import { buildASTSchema, isTypeDefinitionNode, Kind, parse, printSchema } from 'graphql'
import type {
  DefinitionNode,
  DocumentNode,
  FieldDefinitionNode,
  GraphQLSchema,
  InputValueDefinitionNode,
  NamedTypeNode,
  TypeDefinitionNode,
  TypeNode,
} from 'graphql'
import type { GuardedSchema, Requirement } from './guarded-schema.ts'

/** Returns the function that leaves out of a schema what the given guards keep closed. */
export function visibleSchemas(
  apiSchema: GraphQLSchema,
  guarded: GuardedSchema,
): (denies: (requirement: Requirement) => boolean) => GraphQLSchema {
  const document = parse(printSchema(apiSchema), { noLocation: true })
  const roots = [apiSchema.getQueryType(), apiSchema.getMutationType()].flatMap((type) =>
    type ? [type.name] : [],
  )
  const query = roots[0]

  return (denies) => {
    const open = leaveOut(document, (definition) => withoutDenied(definition, guarded, denies))
    const whole = settle(open, query)
    return buildASTSchema(reachable(whole, roots), { assumeValid: true, assumeValidSDL: true })
  }
}

function withoutDenied(
  definition: TypeDefinitionNode,
  guarded: GuardedSchema,
  denies: (requirement: Requirement) => boolean,
): TypeDefinitionNode | undefined {
  const name = definition.name.value
  const type = guarded.types.get(name)
  if (type && denies(type.requirement)) return undefined
  if (!hasFields(definition)) return definition
  const fields = (definition.fields ?? []).filter(
    (field) => !denies(guarded.fieldRequirement(name, field.name.value)),
  )
  return { ...definition, fields }
}

/** What is left out leaves others without a field, a member or a type: until nothing changes. */
function settle(document: DocumentNode, query: string | undefined): DocumentNode {
  const names = new Set(document.definitions.filter(isTypeDefinitionNode).map(nameOf))
  const exists = (name: string) => names.has(name) || builtIn.has(name)
  const next = leaveOut(document, (definition) => {
    const kept = withoutMissing(definition, exists)
    return isEmpty(kept) && nameOf(kept) !== query ? undefined : kept
  })
  const settled = JSON.stringify(next) === JSON.stringify(document)
  return settled ? next : settle(next, query)
}

const builtIn: ReadonlySet<string> = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])

function withoutMissing(
  definition: TypeDefinitionNode,
  exists: (name: string) => boolean,
): TypeDefinitionNode {
  const named = ({ name }: NamedTypeNode) => exists(name.value)
  if (definition.kind === Kind.UNION_TYPE_DEFINITION) {
    return { ...definition, types: (definition.types ?? []).filter(named) }
  }
  if (!hasFields(definition)) return definition
  return {
    ...definition,
    fields: (definition.fields ?? []).filter(({ type }) => exists(namedTypeOf(type))),
    interfaces: (definition.interfaces ?? []).filter(named),
  }
}

function isEmpty(definition: TypeDefinitionNode): boolean {
  if (definition.kind === Kind.UNION_TYPE_DEFINITION) return definition.types?.length === 0
  return hasFields(definition) && definition.fields?.length === 0
}

/** An input type or an enum that no visible field names would tell of the hidden ones. */
function reachable(document: DocumentNode, roots: readonly string[]): DocumentNode {
  const types = new Map(
    document.definitions.flatMap((definition) =>
      isTypeDefinitionNode(definition) ? [[nameOf(definition), definition] as const] : [],
    ),
  )
  const reached = new Set<string>()
  const waiting = [...roots]
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.DIRECTIVE_DEFINITION) continue
    waiting.push(...(definition.arguments ?? []).map(({ type }) => namedTypeOf(type)))
  }
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const type = types.get(name)
    if (!type || reached.has(name)) continue
    reached.add(name)
    waiting.push(...namedBy(type))
    if (type.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue
    waiting.push(...[...types.values()].filter(implementing(name)).map(nameOf))
  }
  return leaveOut(document, (type) => (reached.has(nameOf(type)) ? type : undefined))
}

function namedBy(type: TypeDefinitionNode): string[] {
  if (type.kind === Kind.UNION_TYPE_DEFINITION) return (type.types ?? []).map(nameOf)
  if (type.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) return (type.fields ?? []).map(outputOf)
  if (!hasFields(type)) return []
  const fields = type.fields ?? []
  return [
    ...(type.interfaces ?? []).map(nameOf),
    ...fields.map(outputOf),
    ...fields.flatMap((field) => (field.arguments ?? []).map(outputOf)),
  ]
}

function implementing(name: string) {
  return (type: TypeDefinitionNode) =>
    hasFields(type) && (type.interfaces ?? []).some((node) => nameOf(node) === name)
}

function leaveOut(
  document: DocumentNode,
  keep: (definition: TypeDefinitionNode) => TypeDefinitionNode | undefined,
): DocumentNode {
  const definitions = document.definitions.flatMap((definition): DefinitionNode[] => {
    if (!isTypeDefinitionNode(definition)) return [definition]
    const kept = keep(definition)
    return kept ? [kept] : []
  })
  const names = new Set(definitions.filter(isTypeDefinitionNode).map(nameOf))
  return { ...document, definitions: definitions.map((each) => withRoots(each, names)) }
}

function withRoots(definition: DefinitionNode, names: ReadonlySet<string>): DefinitionNode {
  if (definition.kind !== Kind.SCHEMA_DEFINITION) return definition
  const operationTypes = definition.operationTypes.filter(({ type }) => names.has(nameOf(type)))
  return { ...definition, operationTypes }
}

function hasFields(definition: TypeDefinitionNode) {
  return (
    definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
    definition.kind === Kind.INTERFACE_TYPE_DEFINITION
  )
}

function nameOf(node: { readonly name: { readonly value: string } }): string {
  return node.name.value
}

function outputOf({ type }: FieldDefinitionNode | InputValueDefinitionNode): string {
  return namedTypeOf(type)
}

function namedTypeOf(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedTypeOf(type.type)
}
