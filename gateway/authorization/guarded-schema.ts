/** What a supergraph demands of callers, field by field: read once from its SDL. */
import { isTypeDefinitionNode, Kind } from 'graphql'
import type {
  DocumentNode,
  FieldDefinitionNode,
  OperationTypeNode,
  TypeDefinitionNode,
} from 'graphql'
import type { AuthorizationOptions } from './authorization-options.ts'
import { remembered } from '../values/remembered.ts'
import { applied, joinedSubgraphs } from '../graphql/supergraph-directives.ts'
import { namedTypeOf } from '../graphql/named-type.ts'
import type { Slices } from '../slices.ts'
import { readGuard, tokenGuard } from './guard-directives.ts'
import type { Guard } from './guard-directives.ts'
import type {
  GuardedElement,
  GuardedField,
  GuardedType,
  Requirement,
  TypeKind,
} from './guarded-type.ts'
import { inheritedGuards } from './inherited-guards.ts'
import { numberedGuards } from './numbered-guards.ts'
import { requiredFields } from './required-fields.ts'
import type { SpecNames } from './security-specs.ts'
import { argumentsOf, rootTypes, typesByContext } from './supergraph-directives.ts'

export type { GuardedElement, GuardedField, GuardedType, Requirement } from './guarded-type.ts'

/** Why a guard applies to a field, and where it is declared. */
export interface Reason {
  readonly guard: Guard
  readonly because:
    | 'the field'
    | 'its parent type'
    | 'its output type'
    | 'an implementation'
    | 'its interface'
    | 'an interface of its output type'
    | 'a field it requires'
    | 'the default'
  /** The type or field that carries the directive. */
  readonly at: GuardedElement
}

/** The index of a supergraph's requirements. */
export interface GuardedSchema {
  readonly types: ReadonlyMap<string, GuardedType>
  /** Every guard of the supergraph; requirements name them by their place in this list. */
  readonly guards: readonly Guard[]
  rootType(operation: OperationTypeNode): string | undefined
  /** The object types that a value of this type may have. */
  possibleTypes(typeName: string): ReadonlySet<string>
  /** What a caller has to meet to see a field when selected on that type. */
  fieldRequirement(typeName: string, fieldName: string): Requirement
  /** The same, with the places that demand it. */
  reasons(typeName: string, fieldName: string): readonly Reason[]
}

const kinds: Partial<Record<TypeDefinitionNode['kind'], TypeKind>> = {
  [Kind.OBJECT_TYPE_DEFINITION]: 'object',
  [Kind.INTERFACE_TYPE_DEFINITION]: 'interface',
  [Kind.UNION_TYPE_DEFINITION]: 'union',
  [Kind.SCALAR_TYPE_DEFINITION]: 'scalar',
  [Kind.ENUM_TYPE_DEFINITION]: 'enum',
}

/** The number of the guard that any token meets, in every schema. */
export const tokenNeeded = 0

/** Returns the index of a supergraph's requirements. */
export function* guardedSchema(
  document: DocumentNode,
  names: SpecNames,
  options: Pick<AuthorizationOptions, 'default'>,
): Slices<GuardedSchema> {
  const table = numberedGuards([tokenGuard])
  const denyByDefault = options.default === 'deny'
  const subgraphs = new Map(joinedSubgraphs(document).map(({ graph, name }) => [graph, name]))
  const contexts = typesByContext(document)
  const types = new Map<string, GuardedType>()
  const possible = new Map<string, Set<string>>()
  const implementations = new Map<string, string[]>()
  const requirements = new Map<string, Requirement>()

  for (const definition of document.definitions.filter(isTypeDefinitionNode)) {
    yield
    const kind = kinds[definition.kind]
    if (kind) addType(definition, kind)
    if (definition.kind !== Kind.UNION_TYPE_DEFINITION) continue
    const members = (definition.types ?? []).map(({ name }) => name.value)
    possible.set(definition.name.value, new Set(members))
  }
  yield
  for (const type of types.values()) {
    for (const name of type.interfaces) {
      implementations.set(name, [...(implementations.get(name) ?? []), type.name])
    }
    if (type.kind !== 'object') continue
    for (const name of [type.name, ...type.interfaces]) {
      remembered(possible, name, () => new Set()).add(type.name)
    }
  }
  for (const type of yield* inheritedGuards(types, (name) => possible.get(name) ?? [])) {
    const guards = [...type.guards, ...type.inherited.map(({ guard }) => guard)]
    types.set(type.name, { ...type, requirement: numbered(guards) })
  }
  const roots = rootTypes(document)

  return {
    types,
    guards: table.guards,
    rootType: (operation) => roots.get(operation),
    possibleTypes: (typeName) => possible.get(typeName) ?? new Set(),
    fieldRequirement,
    reasons: (typeName, fieldName) => [...reasons(typeName, fieldName, new Set())],
  }

  function addType(definition: TypeDefinitionNode, kind: TypeKind): void {
    const name = definition.name.value
    const element = elementOf(name, definition)
    const nodes = 'fields' in definition ? (definition.fields ?? []) : []
    const fields = new Map(
      nodes.map((node) => {
        const field = fieldOf(name, node as FieldDefinitionNode, element.subgraphs)
        return [field.name, field] as const
      }),
    )
    const interfaces = 'interfaces' in definition ? (definition.interfaces ?? []) : []
    types.set(name, {
      ...element,
      name,
      kind,
      fields,
      interfaces: interfaces.map((node) => node.name.value),
      requirement: numbered(element.guards),
    })
  }

  function fieldOf(
    typeName: string,
    node: FieldDefinitionNode,
    subgraphsOfType: readonly string[],
  ): GuardedField {
    const joins = applied(node.directives, 'join__field').map(argumentsOf)
    const element = elementOf(`${typeName}.${node.name.value}`, node)
    return {
      ...element,
      subgraphs: element.subgraphs.length > 0 ? element.subgraphs : subgraphsOfType,
      name: node.name.value,
      namedType: namedTypeOf(node.type),
      requires: joins.flatMap((join) => [
        ...requiredBy(typeName, join.requires),
        ...requiredFromContext(join.contextArguments),
      ]),
      fromInterfaceObject: joins.some(({ graph }) => graph === undefined),
    }
  }

  /** `contextArguments: [{ context: "users__user", selection: "{ locale }", ... }]` */
  function requiredFromContext(value: unknown) {
    const argumentsFromContext = Array.isArray(value) ? (value as Record<string, unknown>[]) : []
    return argumentsFromContext.map(({ context, selection }) => ({
      typeNames: contexts.get(String(context)) ?? [],
      fieldSet: String(selection),
    }))
  }

  function elementOf(
    coordinate: string,
    node: TypeDefinitionNode | FieldDefinitionNode,
  ): GuardedElement {
    let isPublic = false
    const guards: Guard[] = []
    for (const directive of node.directives ?? []) {
      const meaning = names.directives.get(directive.name.value)
      if (meaning === 'public') isPublic = true
      else if (meaning) guards.push(readGuard(meaning, directive, coordinate))
    }
    numbered(guards)
    const joins = ['join__type', 'join__field'].flatMap((name) => applied(node.directives, name))
    const joined = joins
      .map(argumentsOf)
      .filter(({ external }) => external !== true)
      .flatMap(({ graph }) => subgraphs.get(String(graph)) ?? [])
    return {
      coordinate,
      guards,
      inherited: [],
      public: isPublic,
      subgraphs: [...new Set(joined)],
    }
  }

  function numbered(guards: Iterable<Guard>): Requirement {
    const numbers = new Set<number>()
    for (const guard of guards) numbers.add(table.number(guard))
    return [...numbers].sort((left, right) => left - right)
  }

  function fieldRequirement(typeName: string, fieldName: string): Requirement {
    return remembered(requirements, `${typeName}.${fieldName}`, () =>
      numbered([...reasons(typeName, fieldName, new Set())].map(({ guard }) => guard)),
    )
  }

  /** `visited` ends circles: fields that require each other, interfaces that implement each other. */
  function* reasons(
    typeName: string,
    fieldName: string,
    visited: Set<string>,
  ): Generator<Reason, void> {
    const type = types.get(typeName)
    const field = type?.fields.get(fieldName)
    if (!type || !field || visited.has(field.coordinate)) return
    visited.add(field.coordinate)

    yield* guardsOn(field, 'the field')
    yield* guardsOn(type, 'its parent type')
    yield* inheritedBy(field, 'its interface')
    yield* inheritedBy(type, 'its interface')
    const output = types.get(field.namedType)
    if (output) yield* guardsOn(output, 'its output type')
    if (output) yield* inheritedBy(output, 'an interface of its output type')
    if (denyByDefault && !field.public && !type.public) {
      yield { guard: tokenGuard, because: 'the default', at: field }
    }
    if (field.fromInterfaceObject) yield* fromInterfaces(type, field)
    for (const { typeNames, fieldSet } of field.requires) {
      for (const required of typeNames.flatMap((name) => requiredFields(fieldSet, name, types))) {
        for (const reason of reasons(required.typeName, required.fieldName, visited)) {
          yield { ...reason, because: 'a field it requires' }
        }
      }
    }
    if (type.kind !== 'interface') return
    // Composers need not copy the guards of implementations to the interface: we look ourselves.
    for (const implementation of implementations.get(typeName) ?? []) {
      for (const reason of reasons(implementation, fieldName, visited)) {
        yield { ...reason, because: 'an implementation' }
      }
    }
  }

  /** If the subgraph has only the interface, its guards are on the interface and not on the object. */
  function* fromInterfaces(type: GuardedType, { name }: GuardedField): Generator<Reason, void> {
    for (const interfaceName of type.interfaces) {
      const origin = types.get(interfaceName)
      const field = origin?.fields.get(name)
      if (!origin || !field) continue
      yield* guardsOn(field, 'its interface')
      yield* guardsOn(origin, 'its interface')
    }
  }
}

function* guardsOn(at: GuardedElement, because: Reason['because']): Generator<Reason, void> {
  for (const guard of at.guards) yield { guard, because, at }
}

function* inheritedBy(
  { inherited }: GuardedElement,
  because: Reason['because'],
): Generator<Reason, void> {
  for (const { guard, at } of inherited) yield { guard, because, at }
}

function requiredBy(typeName: string, fieldSet: unknown) {
  return typeof fieldSet === 'string' ? [{ typeNames: [typeName], fieldSet }] : []
}
