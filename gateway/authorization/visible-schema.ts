/** The part of a schema that a caller may use: what introspection shows them. */
import { buildASTSchema, isTypeDefinitionNode, Kind, parse, printSchema, visit } from 'graphql'
import type {
  DefinitionNode,
  DocumentNode,
  FieldDefinitionNode,
  GraphQLSchema,
  InputValueDefinitionNode,
  NamedTypeNode,
  TypeDefinitionNode,
} from 'graphql'
import { hasFields } from '../graphql/type-with-fields.ts'
import { namedTypeOf } from '../graphql/named-type.ts'
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
  const query = apiSchema.getQueryType()?.name

  return (denies) => {
    const open = leaveOut(document, (definition) =>
      withoutDenied(definition, { guarded, denies, query }),
    )
    const whole = settle(open, query)
    return buildASTSchema(reachable(whole, roots), { assumeValid: true, assumeValidSDL: true })
  }
}

interface Denied {
  guarded: GuardedSchema
  denies: (requirement: Requirement) => boolean
  query: string | undefined
}

/** A schema must have a query type: it is kept, without the denied fields. */
function withoutDenied(
  definition: TypeDefinitionNode,
  { guarded, denies, query }: Denied,
): TypeDefinitionNode | undefined {
  const name = definition.name.value
  const type = guarded.types.get(name)
  if (type && denies(type.requirement) && name !== query) return undefined
  if (!hasFields(definition)) return definition
  const fields = (definition.fields ?? []).filter(
    (field) => !denies(guarded.fieldRequirement(name, field.name.value)),
  )
  return { ...definition, fields }
}

/** What is left out leaves others without a field, a member or a type: until nothing changes. */
function settle(document: DocumentNode, query: string | undefined): DocumentNode {
  const rest = restOf(document)
  const next = leaveOut(document, (definition) => {
    const kept = withoutMissing(definition, rest)
    return isUsable(kept, definition, rest, query) ? kept : undefined
  })
  const definitions = next.definitions.flatMap((definition) => directiveKept(definition, rest))
  const settled = { ...next, definitions }
  return sizeOf(settled) === sizeOf(document) ? settled : settle(settled, query)
}

/** What there is at one step of leaving out. */
interface Rest {
  exists(name: string): boolean
  /** The names of the fields that every type has which implements the interface. */
  implemented(interfaceName: string, field: string): boolean
}

const builtIn: ReadonlySet<string> = new Set(['Int', 'Float', 'String', 'Boolean', 'ID'])

function restOf(document: DocumentNode): Rest {
  const types = document.definitions.filter(isTypeDefinitionNode)
  const names = new Set(types.map(nameOf))
  const implementations = new Map<string, ReadonlySet<string>[]>()
  for (const type of types) {
    if (!hasFields(type) || !type.interfaces?.length) continue
    const fields = new Set((type.fields ?? []).map(nameOf))
    for (const each of type.interfaces) {
      implementations.set(nameOf(each), [...(implementations.get(nameOf(each)) ?? []), fields])
    }
  }
  return {
    exists: (name) => names.has(name) || builtIn.has(name),
    implemented: (interfaceName, field) =>
      (implementations.get(interfaceName) ?? []).every((fields) => fields.has(field)),
  }
}

function withoutMissing(definition: TypeDefinitionNode, rest: Rest): TypeDefinitionNode {
  const named = ({ name }: NamedTypeNode) => rest.exists(name.value)
  if (definition.kind === Kind.UNION_TYPE_DEFINITION) {
    return { ...definition, types: (definition.types ?? []).filter(named) }
  }
  if (definition.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION) {
    return { ...definition, fields: inputsLeft(definition.fields, rest) }
  }
  if (!hasFields(definition)) return definition
  const isInterface = definition.kind === Kind.INTERFACE_TYPE_DEFINITION
  const fields = (definition.fields ?? []).filter((field) => {
    if (!rest.exists(outputOf(field)) || lacksRequired(field.arguments, rest)) return false
    return !isInterface || rest.implemented(nameOf(definition), nameOf(field))
  })
  return {
    ...definition,
    fields: fields.map((field) => ({ ...field, arguments: inputsLeft(field.arguments, rest) })),
    interfaces: (definition.interfaces ?? []).filter(named),
  }
}

/** Returns the visible arguments or input fields: a caller cannot give values of a hidden type. */
function inputsLeft(
  inputs: readonly InputValueDefinitionNode[] | undefined,
  { exists }: Rest,
): readonly InputValueDefinitionNode[] {
  return (inputs ?? []).filter((input) => exists(outputOf(input)))
}

function lacksRequired(
  inputs: readonly InputValueDefinitionNode[] | undefined,
  { exists }: Rest,
): boolean {
  return (inputs ?? []).some(
    (input) =>
      input.type.kind === Kind.NON_NULL_TYPE && !input.defaultValue && !exists(outputOf(input)),
  )
}

/** Whether a type can still be used: it has something, and all that a value of it must have. */
function isUsable(
  kept: TypeDefinitionNode,
  before: TypeDefinitionNode,
  rest: Rest,
  query: string | undefined,
): boolean {
  if (kept.kind === Kind.UNION_TYPE_DEFINITION) return kept.types?.length !== 0
  if (before.kind === Kind.INPUT_OBJECT_TYPE_DEFINITION && lacksRequired(before.fields, rest))
    return false
  return !('fields' in kept) || kept.fields?.length !== 0 || nameOf(kept) === query
}

function directiveKept(definition: DefinitionNode, rest: Rest): DefinitionNode[] {
  if (definition.kind !== Kind.DIRECTIVE_DEFINITION) return [definition]
  if (lacksRequired(definition.arguments, rest)) return []
  return [{ ...definition, arguments: inputsLeft(definition.arguments, rest) }]
}

/** Returns how much a document names: it gets smaller with everything that is left out of it. */
function sizeOf(document: DocumentNode): number {
  let names = 0
  visit(document, { Name: () => void names++ })
  return names
}

/** An input type or an enum that no visible field uses would reveal the hidden ones. */
function reachable(document: DocumentNode, roots: readonly string[]): DocumentNode {
  const types = new Map(
    document.definitions.flatMap((definition) =>
      isTypeDefinitionNode(definition) ? [[nameOf(definition), definition] as const] : [],
    ),
  )
  const reached = new Set<string>()
  const waiting = [...roots]
  for (const definition of document.definitions) {
    if (definition.kind === Kind.DIRECTIVE_DEFINITION) waiting.push(...namedBy(definition))
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

/** The types of its fields and arguments, its interfaces and its members. */
function namedBy(definition: DefinitionNode): string[] {
  const names: string[] = []
  visit(definition, { NamedType: (node) => void names.push(nameOf(node)) })
  return names
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

function nameOf(node: { readonly name: { readonly value: string } }): string {
  return node.name.value
}

function outputOf({ type }: FieldDefinitionNode | InputValueDefinitionNode): string {
  return namedTypeOf(type)
}
