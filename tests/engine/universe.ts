/**
 * A universe for subgraphs that have only a schema: every field of every object has a value that
 * follows from the object's type and number, the field and its arguments. All subgraphs agree about
 * it, so whatever way an engine takes through them, there is one right response.
 *
 * An object's number is written in its keys: `id#3`. A field with `@requires` returns what it was
 * given, so that a wrong or missing value shows.
 */
import { buildSubgraphSchema } from '@apollo/subgraph'
import {
  execute,
  getNamedType,
  GraphQLError,
  isAbstractType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  parse,
  valueFromASTUntyped,
  visit,
} from 'graphql'
import { fieldNamesOf, parseFieldSet } from '../../gateway/graphql/field-set.ts'
import { hash } from './hash.ts'
import { coerced, lenient } from './wrong-values.ts'
import type { Damage } from './wrong-values.ts'
import type {
  ConstDirectiveNode,
  DefinitionNode,
  DocumentNode,
  ExecutionResult,
  FieldNode,
  GraphQLFieldResolver,
  GraphQLOutputType,
  GraphQLResolveInfo,
  GraphQLSchema,
  InterfaceTypeDefinitionNode,
  ObjectTypeDefinitionNode,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql'

export interface SubgraphDefinition {
  readonly name: string
  readonly sdl: string
}

export interface Universe {
  /** Executes a request of an engine in a subgraph. `state` lives as long as one client request. */
  ask(
    subgraph: string,
    request: { query: string; variables?: Record<string, unknown> | undefined },
    state: RequestState,
  ): Promise<ExecutionResult>
  /** Executes as if there were no subgraphs: the right response of every executor. */
  truth(
    schema: GraphQLSchema,
    document: DocumentNode,
    variables: Record<string, unknown> | undefined,
  ): Promise<ExecutionResult>
  /** The names of the fields that are in a key or required: an engine may ask for them by itself. */
  readonly inputs: ReadonlySet<string>
}

/** What happens in one client request. */
export interface RequestState {
  /** How many mutations have changed something. */
  mutations: number
  readonly calls: string[]
  /** The names of the fields that subgraphs have resolved. */
  readonly resolved: Set<string>
}

/** Returns the state of a request in which nothing has happened yet. */
export function newState(): RequestState {
  return { mutations: 0, calls: [], resolved: new Set() }
}

interface Thing {
  readonly __typename: string
  readonly number: number
  /** What came with the representation. */
  readonly given: Readonly<Record<string, unknown>>
  /** The subgraph that made it. */
  readonly origin: string
}

/** Values of a scalar that may be anything. Their objects have an empty name, by which odd-bytes.ts knows them. */
const jsonValues: readonly unknown[] = [
  null,
  [],
  [null, [[]], { '': null, a: {} }],
  { '': [{}], __typename: 'Item', id: 'id#1', data: { errors: [{ message: '\ud83d\ude00' }] } },
  { '': { a: { a: { a: { a: [[[[[null, -0.5e-7, true]]]]] } } } } },
  'text "quoted" \u2028 \u0000',
  '\ud83d',
  1e300,
  false,
  Number.MAX_SAFE_INTEGER,
]

/** How many objects each type has. */
const population = 12

/**
 * Returns the universe of these subgraphs.
 *
 * @param damage what the subgraphs send instead of their values; of these values, the truth is what the
 *   schema says of them
 */
export function universe(
  definitions: readonly SubgraphDefinition[],
  damage?: Damage | undefined,
): Universe {
  const families = familiesOf(definitions)
  const subgraphs = new Map(definitions.map((one) => [one.name, subgraphOf(one, families, damage)]))
  const parsed = new Map<string, DocumentNode>()

  return {
    inputs: new Set(definitions.flatMap(({ sdl }) => inputNamesIn(parse(sdl)))),
    async ask(name, { query, variables }, state) {
      const subgraph = subgraphs.get(name)
      if (!subgraph) throw new Error(`there is no subgraph ${name}`)
      const document = parsed.get(query) ?? parse(query)
      if (parsed.size < 5_000) parsed.set(query, document)
      state.calls.push(`${name}: ${query}`)
      const result = await execute({
        schema: subgraph.schema,
        document,
        variableValues: variables,
        contextValue: state,
        fieldResolver: subgraph.resolve,
        typeResolver: (value: Thing) => value.__typename,
      })
      return JSON.parse(JSON.stringify(result)) as ExecutionResult
    },
    async truth(schema, document, variables) {
      const result = await execute({
        schema,
        document,
        variableValues: variables,
        contextValue: newState(),
        fieldResolver: resolveInWhole,
        typeResolver: (value: Thing) => value.__typename,
      })
      return JSON.parse(JSON.stringify(result)) as ExecutionResult
    },
  }

  function resolveInWhole(
    source: Thing | undefined,
    args: Record<string, unknown>,
    state: RequestState,
    { parentType: { name: parent }, fieldName: field, operation, returnType }: GraphQLResolveInfo,
  ): unknown {
    if (operation.operation === 'mutation' && source === undefined) state.mutations++
    const round = source === undefined ? state.mutations : 0
    const value = valueInWhole(source, parent, field, args, round)
    if (!damage) return value
    return coerced(returnType, damage(returnType, value, field, [source?.number ?? 0, args]))
  }

  function valueInWhole(
    source: Thing | undefined,
    parent: string,
    field: string,
    args: Record<string, unknown>,
    round: number,
  ): unknown {
    const origin = source?.origin
    const candidates = [...subgraphs.values()].filter((one) => one.owns(parent, field))
    const owner = candidates.find(({ name }) => name === origin) ?? candidates[0]
    if (!owner) throw new Error(`nobody owns ${parent}.${field}`)
    const thing = source ?? { __typename: parent, number: 0, given: {}, origin: owner.name }
    if (origin !== undefined && owner.name !== origin && !knows(owner.name, parent, thing.number)) {
      return null
    }
    const requires = owner.requires(parent, field)
    const given = requires && fieldSetInWhole(thing, requires)
    const value = owner.value(parent, field, thing.number, given ? [given, args] : [args, round])
    return withActualTypes(value)
  }

  /** A subgraph with an interface object does not know what its objects are. */
  function withActualTypes(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withActualTypes)
    if (typeof value !== 'object' || value === null) return value
    const thing = value as Thing
    const family = families.get(thing.__typename)
    if (!family || family.includes(thing.__typename)) return thing
    return { ...thing, __typename: family[thing.number % family.length]! }
  }

  function fieldSetInWhole(thing: Thing, set: SelectionSetNode): Record<string, unknown> {
    const result: Record<string, unknown> = {}
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (selection.typeCondition?.name.value !== thing.__typename) continue
        Object.assign(result, fieldSetInWhole(thing, selection.selectionSet))
      } else if (selection.kind === Kind.FIELD) {
        const { name, selectionSet } = selection
        const args = Object.fromEntries(
          (selection.arguments ?? []).map((one) => [
            one.name.value,
            valueFromASTUntyped(one.value),
          ]),
        )
        const value = valueInWhole(thing, thing.__typename, name.value, args, 0)
        result[name.value] = selectionSet ? inside(value, selectionSet) : value
      }
    }
    return required(result) as Record<string, unknown>
  }

  function inside(value: unknown, set: SelectionSetNode): unknown {
    if (Array.isArray(value)) return value.map((element) => inside(element, set))
    return value === null ? null : fieldSetInWhole(value as Thing, set)
  }
}

/** Some subgraphs do not know some objects. */
function knows(subgraph: string, type: string, number: number): boolean {
  return !type.startsWith('Rare') || hash(subgraph, type, number) % 3 !== 0
}

type Families = ReadonlyMap<string, readonly string[]>

/** Types that share their numbers: those that implement an interface with a key. */
function familiesOf(definitions: readonly SubgraphDefinition[]): Families {
  const keyed = new Set<string>()
  const members = new Map<string, Set<string>>()
  for (const { sdl } of definitions) {
    visit(parse(sdl), {
      InterfaceTypeDefinition({ name, directives }) {
        if (directives?.some((directive) => directive.name.value === 'key')) keyed.add(name.value)
      },
      ObjectTypeDefinition({ name, interfaces }) {
        for (const { name: implemented } of interfaces ?? []) {
          const set = members.get(implemented.value) ?? new Set()
          members.set(implemented.value, set.add(name.value))
        }
      },
    })
  }
  const families = new Map<string, string[]>()
  for (const name of keyed) {
    const family = [...(members.get(name) ?? [])].sort()
    families.set(name, family)
    for (const member of family) families.set(member, family)
  }
  return families
}

function subgraphOf(
  { name: subgraph, sdl }: SubgraphDefinition,
  families: Families,
  damage: Damage | undefined,
) {
  const typeDefs = parse(sdl)
  const fields = fieldsOf(typeDefs)
  const keyedTypes = typeDefs.definitions.filter(isKeyed)
  const keyed = new Set(keyedTypes.map(({ name }) => name.value))
  const keys = new Map(keyedTypes.map((type) => [type.name.value, resolvableKeysOf(type)]))
  const resolvers = referenceResolvers(typeDefs) as never
  const schema = buildSubgraphSchema({ typeDefs, resolvers })

  return {
    name: subgraph,
    schema: damage ? buildSubgraphSchema({ typeDefs: lenient(typeDefs), resolvers }) : schema,
    resolve: resolverOf(schema),
    owns: (type: string, field: string) => fieldOf(type, field)?.external === false,
    requires: (type: string, field: string) => fieldOf(type, field)?.requires,
    value(type: string, field: string, number: number, more: readonly unknown[]) {
      const { typeName } = fieldOf(type, field)!
      const parent = schema.getType(typeName)
      if (!isObjectType(parent)) throw new Error(`${typeName} is no object type`)
      return leafOrThing(schema, parent.getFields()[field]!.type, field, number, more)
    },
  }

  /** An interface object has the fields for all types of its interface. */
  function fieldOf(type: string, field: string) {
    const own = fields.get(`${type}.${field}`)
    if (own) return own
    for (const [name, family] of families) {
      if (!family.includes(type) || !isObjectType(schema.getType(name))) continue
      const shared = fields.get(`${name}.${field}`)
      if (shared && !family.includes(name)) return shared
    }
    return undefined
  }

  function referenceResolvers({ definitions }: DocumentNode) {
    const resolvers: Record<string, object> = {}
    for (const type of definitions) {
      if (!isKeyed(type)) continue
      const { value: name } = type.name
      const isInterface = type.kind === Kind.INTERFACE_TYPE_DEFINITION
      resolvers[name] = {
        __resolveReference: (given: Record<string, unknown>) => thingOf(name, given),
        ...(isInterface ? { __resolveType: (thing: Thing) => thing.__typename } : {}),
      }
    }
    return resolvers
  }

  function thingOf(type: string, given: Record<string, unknown>): Thing | null {
    const number = numberIn(given)
    const isWhole = keys.get(type)?.some((key) => key.every((name) => name in given))
    if (number === undefined || !isWhole) {
      throw new GraphQLError(`no whole key in a representation of ${type}`)
    }
    if (!knows(subgraph, type, number)) return null
    const actual = schema.getType(type)
    const family = families.get(type)
    const typename = isObjectType(actual) || !family ? type : family[number % family.length]!
    return { __typename: typename, number, given, origin: subgraph }
  }

  function resolverOf(own: GraphQLSchema): GraphQLFieldResolver<Thing | undefined, RequestState> {
    return (source, args, state, info) => {
      const parent = info.parentType.name
      const thing: Thing = source ?? { __typename: parent, number: 0, given: {}, origin: subgraph }
      const field = info.fieldName
      state.resolved.add(field)
      const strict = own.getType(parent)
      const type = (isObjectType(strict) && strict.getFields()[field]?.type) || info.returnType
      if (info.operation.operation === 'mutation' && source === undefined) state.mutations++
      const round = source === undefined ? state.mutations : 0
      const requires = fields.get(`${parent}.${field}`)?.requires
      if (requires) {
        const more = [required(selected(thing.given, requires)), args]
        return sent(leafOrThing(own, type, field, thing.number, more))
      }
      if (isLeafType(getNamedType(type)) && Object.keys(args).length === 0) {
        const given = thing.given[field]
        if (given !== undefined && (typeof given !== 'object' || given === null)) return given
      }
      return sent(leafOrThing(own, type, field, thing.number, [args, round]))

      function sent(value: unknown): unknown {
        return damage ? damage(type, value, field, [source?.number ?? 0, args]) : value
      }
    }
  }

  function leafOrThing(
    own: GraphQLSchema,
    type: GraphQLOutputType,
    field: string,
    number: number,
    more: readonly unknown[],
  ): unknown {
    const seed = hash(field, number, ...more)
    if (field.startsWith('flaky') && seed % 4 === 0) {
      throw new GraphQLError(`${field} failed`, { extensions: { code: 'FLAKY' } })
    }
    return valueOf(own, type, field, number, seed, more, true)
  }

  function valueOf(
    own: GraphQLSchema,
    type: GraphQLOutputType,
    field: string,
    number: number,
    seed: number,
    more: readonly unknown[],
    mayBeNull: boolean,
    insideList = false,
  ): unknown {
    if (isNonNullType(type))
      return valueOf(own, type.ofType, field, number, seed, more, false, insideList)
    if (mayBeNull && field.startsWith('maybe') && seed % 3 === 0) return null
    if (isListType(type)) {
      return Array.from({ length: seed % 4 }, (_, index) =>
        valueOf(own, type.ofType, field, number, hash(seed, index), more, true, true),
      )
    }
    const named = getNamedType(type)
    const told = JSON.stringify(more) === '[{},0]' ? '' : JSON.stringify(more)
    if (isEnumType(named)) {
      const values = named.getValues()
      return values[seed % values.length]!.value as unknown
    }
    if (isLeafType(named)) {
      switch (named.name) {
        case 'Int':
          return number * 1000 + (hash(field, told) % 1000)
        case 'Float':
          return number + (hash(field, told) % 1000) / 8
        case 'Boolean':
          return seed % 2 === 0
        case 'Json':
          return jsonValues[seed % jsonValues.length]
        default:
          return `${field}#${number}${told}`
      }
    }
    if (isAbstractType(named)) {
      const types = own
        .getPossibleTypes(named)
        .map(({ name }) => name)
        .sort()
      if (types.length === 0)
        return { __typename: named.name, number: seed % population, given: {}, origin: subgraph }
      const typename = types[seed % types.length]!
      return {
        __typename: typename,
        number: numberFor(typename, seed),
        given: {},
        origin: subgraph,
      }
    }
    // A part of an object, and perhaps of its key, has the object's number.
    const isPart = !keyed.has(named.name) && !insideList
    const objectNumber = isPart ? number : numberFor(named.name, seed)
    return { __typename: named.name, number: objectNumber, given: {}, origin: subgraph }
  }

  /** A type of a family has only the numbers that are its own. */
  function numberFor(type: string, seed: number): number {
    const family = families.get(type)
    const any = seed % population
    const index = family?.indexOf(type) ?? -1
    if (!family || index < 0) return any
    return any - (any % family.length) + index
  }
}

/** Values without nested type names: an engine may send them or not. */
function required(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(required)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([name]) => name !== '__typename')
  return Object.fromEntries(entries.sort().map(([name, inner]) => [name, required(inner)]))
}

/** Returns what a field set selects of a value: a representation may hold more, for other fields. */
function selected(value: unknown, set: SelectionSetNode): unknown {
  if (Array.isArray(value)) return value.map((element) => selected(element, set))
  if (typeof value !== 'object' || value === null) return value
  const given = value as Readonly<Record<string, unknown>>
  const result: Record<string, unknown> = {}
  for (const selection of set.selections) {
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      const type = selection.typeCondition?.name.value
      const { __typename = type } = given
      const isOfType = __typename === type || type === undefined
      if (isOfType) Object.assign(result, selected(given, selection.selectionSet))
    } else if (selection.kind === Kind.FIELD && selection.name.value in given) {
      const inner = given[selection.name.value]
      result[selection.name.value] = selection.selectionSet
        ? selected(inner, selection.selectionSet)
        : inner
    }
  }
  return result
}

/** Returns the names in the field sets of a schema. */
function inputNamesIn(typeDefs: DocumentNode): string[] {
  const names: string[] = []
  visit(typeDefs, {
    Directive({ arguments: given = [] }) {
      const fields = given.find(({ name }) => name.value === 'fields')?.value
      if (fields?.kind === Kind.STRING) names.push(...fieldNamesOf(parseFieldSet(fields.value)))
    },
  })
  return names
}

function isKeyed(
  type: DefinitionNode,
): type is ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode {
  return (
    (type.kind === Kind.OBJECT_TYPE_DEFINITION || type.kind === Kind.INTERFACE_TYPE_DEFINITION) &&
    type.directives?.some(({ name }) => name.value === 'key') === true
  )
}

/** The fields of each key that the subgraph resolves. */
function resolvableKeysOf(
  type: ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode,
): string[][] {
  return (type.directives ?? []).flatMap((directive) => {
    const resolvable = directive.arguments?.find(({ name }) => name.value === 'resolvable')?.value
    if (directive.name.value !== 'key') return []
    if (resolvable?.kind === Kind.BOOLEAN && !resolvable.value) return []
    return [fieldSetOf(directive)!.selections.map((one) => (one as FieldNode).name.value)]
  })
}

interface FieldInfo {
  readonly typeName: string
  readonly external: boolean
  readonly requires: SelectionSetNode | undefined
}

function fieldsOf(document: DocumentNode): Map<string, FieldInfo> {
  const infos = new Map<string, FieldInfo>()
  for (const type of document.definitions) {
    if (type.kind !== Kind.OBJECT_TYPE_DEFINITION) continue
    for (const { name, directives } of type.fields ?? []) {
      const named = (wanted: string) => directives?.find((one) => one.name.value === wanted)
      infos.set(`${type.name.value}.${name.value}`, {
        typeName: type.name.value,
        external: named('external') !== undefined,
        requires: fieldSetOf(named('requires')),
      })
    }
  }
  return infos
}

function fieldSetOf(directive: ConstDirectiveNode | undefined): SelectionSetNode | undefined {
  const value = directive?.arguments?.find(({ name }) => name.value === 'fields')?.value
  if (value?.kind !== Kind.STRING) return undefined
  const [operation] = parse(`{${value.value}}`).definitions
  return (operation as OperationDefinitionNode).selectionSet
}

/** The number in the first key that has one; fields of the object itself come before nested ones. */
function numberIn(given: Record<string, unknown>): number | undefined {
  const values = Object.entries(given).filter(([name]) => name !== '__typename')
  for (const [, value] of values) {
    const match = typeof value === 'string' ? /^\w+#(\d+)$/.exec(value) : null
    if (match) return Number(match[1])
  }
  for (const [, value] of values) {
    if (typeof value !== 'object' || value === null) continue
    const number = numberIn(value as Record<string, unknown>)
    if (number !== undefined) return number
  }
  return undefined
}
