/**
 * Random operations that graphql-js executes on lists that are as long as their fields allow, or shorter:
 * what they cost, counted resolver by resolver, is never more than what was estimated.
 */
import {
  executeSync,
  getNamedType,
  getNullableType,
  isAbstractType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  print,
  visit,
} from 'graphql'
import type {
  DocumentNode,
  GraphQLInputType,
  GraphQLOutputType,
  GraphQLResolveInfo,
  GraphQLSchema,
  SelectionSetNode,
} from 'graphql'
import { typenameField } from '../../../gateway/graphql/introspection-fields.ts'
import { randomNumbers, randomOperation } from '../../engine/random-operation.ts'
import { estimatesFor } from './estimated-cost.ts'

export interface HonestReport {
  readonly operations: number
  /** Operations whose cost depends on their variables. */
  readonly byVariables: number
  /** Operations that cost exactly what was estimated. */
  readonly exact: number
  readonly violations: readonly string[]
}

const listSize = 3

/** Returns what cost more than estimated; each violation names its seed. */
export function checkHonestLists(options: {
  readonly seed: number
  readonly schemas: number
  /** For each schema. */
  readonly operations: number
}): HonestReport {
  const violations: string[] = []
  const counts = { operations: 0, byVariables: 0, exact: 0 }
  for (let seed = options.seed; seed < options.seed + options.schemas; seed++) {
    const typeDefs = randomCosts(seed)
    const { schema, of, ofResponse } = estimatesFor(typeDefs, { listSize })
    const said = saidOf(schema)
    for (let nth = 0; nth < options.operations; nth++) {
      const operation = randomOperation(schema, { seed: seed * 100_000 + nth })
      const { document, variables } = operation
      const estimated = of(document, variables)
      if (typeof estimated === 'string') continue
      counts.operations++
      if (of(document, {}) !== estimated) counts.byVariables++
      for (const generous of [0, 0.5, 1]) {
        const random = randomNumbers(seed * 100_003 + nth)
        const { actual, data } = actualCost(
          said,
          operation,
          () => random() < generous || random() < 0.3,
        )
        const counted = ofResponse(document, variables, data)
        if (generous === 1 && actual === estimated) counts.exact++
        if (actual <= estimated && counted === actual) continue
        violations.push(
          `seed ${seed}, operation ${nth}: estimated ${estimated}, counted by the response ${counted}, but it costs ${actual}\n${print(document)}\n${JSON.stringify(variables)}\n${typeDefs}`,
        )
        break
      }
    }
  }
  return { ...counts, violations }
}

/** Returns a schema whose elements have random weights, and whose lists random lengths. */
function randomCosts(seed: number): string {
  const random = randomNumbers(seed)
  const whole = (most: number) => Math.floor(random() * (most + 1))
  const cost = () => (random() < 0.25 ? `@cost(weight: ${whole(7)})` : '')
  const assumed = () => (random() < 0.4 ? `@listSize(assumedSize: ${whole(5)})` : '')
  const sliced = (name: string, more = '') =>
    random() < 0.8
      ? `@listSize(slicingArguments: ["${name}"], assumedSize: 4, requireOneSlicingArgument: ${random() < 0.2}${more})`
      : ''
  return `
    type Query {
      node(by: By ${cost()}): Node ${cost()}
      any: [Any!] ${assumed()} ${cost()}
      page(first: Int = 2, last: Int ${cost()}): Page ${sliced('first', ', sizedFields: ["items", "inner { items }"]')} ${cost()}
      users(first: Int): [User] ${sliced('first')} ${cost()}
      byIds(ids: [ID!]! ${cost()}): [Node] ${sliced('ids')}
      search(by: By): [Any] ${sliced('by.first')}
      grid: [[Level!]] ${assumed()} ${cost()}
    }
    type Mutation { change(by: By!, all: [By!] ${cost()}): User ${cost()} }
    interface Node { id: ID ${cost()} related(first: Int): [Node!] ${sliced('first')} ${cost()} level: Level ${cost()} }
    interface Named implements Node { id: ID related(first: Int): [Node!] level: Level name: String ${cost()} }
    type User implements Node & Named ${cost()} {
      id: ID related(first: Int): [Node!] ${sliced('first')} level: Level ${cost()} name: String ${cost()}
      files(first: Int): [File] ${sliced('first')} ${cost()}
    }
    type File implements Node & Named ${cost()} {
      id: ID ${cost()} related(first: Int): [Node!] ${cost()} level: Level name: String owner: User ${cost()}
    }
    type Folder implements Node ${cost()} {
      id: ID related(first: Int): [Node!] level: Level files: [[File!]!] ${assumed()} ${cost()}
    }
    union Any = User | Folder | Page
    type Page ${cost()} { items: [Node] ${assumed()} ${cost()} inner: Page total: Int ${cost()} }
    enum Level ${cost()} { LOW HIGH }
    input By { first: Int ${cost()} level: Level ${cost()} and: [By!] ${cost()} not: By }`
}

/** What the schema says of an element, read from its definition. */
interface Said {
  readonly schema: GraphQLSchema
  weight(coordinate: string): number | undefined
  listSize(coordinate: string): Record<string, unknown> | undefined
}

function saidOf(schema: GraphQLSchema): Said {
  const weights = new Map<string, number>()
  const sizes = new Map<string, Record<string, unknown>>()
  for (const type of Object.values(schema.getTypeMap())) {
    read(type.name, type.astNode as never)
    if (!('getFields' in type)) continue
    for (const field of Object.values(type.getFields())) {
      read(`${type.name}.${field.name}`, field.astNode as never)
      for (const one of 'args' in field ? field.args : []) {
        read(`${type.name}.${field.name}.${one.name}`, one.astNode as never)
      }
    }
  }
  return { schema, weight: (at) => weights.get(at), listSize: (at) => sizes.get(at) }

  function read(at: string, node: { directives?: readonly unknown[] } | undefined): void {
    const texts = (node?.directives ?? []).map((one) => print(one as never))
    for (const text of texts) {
      const weight = /^@cost\(weight: (\d+)\)/.exec(text)?.[1]
      if (weight !== undefined) weights.set(at, Number(weight))
      if (!text.startsWith('@listSize')) continue
      const json = text.slice('@listSize('.length, -1).replaceAll(/(\w+):/g, '"$1":')
      sizes.set(at, JSON.parse(`{${json}}`) as Record<string, unknown>)
    }
  }
}

interface Source {
  readonly __typename: string
  /** The lengths that the field above has given to fields. */
  readonly lengths: Readonly<Record<string, number>>
}

/** @param isFull whether a list has all elements that it may have, and a value is not null */
function actualCost(
  { schema, weight, listSize: saidSize }: Said,
  { document, variables }: ReturnType<typeof randomOperation>,
  isFull: () => boolean,
): { actual: number; data: unknown } {
  const isMutation = document.definitions.some(
    (one) => 'operation' in one && one.operation === 'mutation',
  )
  let cost = isMutation ? 10 : 0
  const result = executeSync({
    schema,
    document: withTypenames(document),
    variableValues: variables,
    rootValue: { __typename: isMutation ? 'Mutation' : 'Query', lengths: {} } satisfies Source,
    fieldResolver: resolve,
    typeResolver: ({ __typename }: Source) => __typename,
  })
  if (result.errors) throw result.errors[0]
  return { actual: cost, data: result.data }

  function resolve(
    source: Source,
    args: Record<string, unknown>,
    _context: unknown,
    info: GraphQLResolveInfo,
  ) {
    const { parentType, fieldName, returnType, fieldNodes } = info
    const declaring = [parentType, ...parentType.getInterfaces()].map(({ name }) => name)
    const definition = parentType.getFields()[fieldName]!
    for (const { name } of fieldNodes[0]!.arguments ?? []) {
      const argument = definition.args.find((one) => one.name === name.value)!
      const weights = declaring.flatMap(
        (type) => weight(`${type}.${fieldName}.${name.value}`) ?? [],
      )
      cost += costOfInput(
        args[name.value],
        argument.type,
        weights.length > 0 ? Math.max(...weights) : undefined,
      )
    }
    const weights = declaring.flatMap((type) => weight(`${type}.${fieldName}`) ?? [])
    const size = declaring.map((type) => saidSize(`${type}.${fieldName}`)).find(Boolean)
    const own = size && lengthBy(size, args)
    const lengths = size && own !== undefined && size.sizedFields ? { items: own, inner: own } : {}
    return valueOf(returnType, {
      length: source.lengths[fieldName] ?? own ?? listSize,
      weight: weights.length > 0 ? Math.max(...weights) : undefined,
      // `inner { items }`, but not `inner { inner { items } }`.
      lengths:
        fieldName === 'inner' && 'inner' in source.lengths
          ? { items: source.lengths.inner! }
          : lengths,
    })
  }

  function valueOf(
    type: GraphQLOutputType,
    field: {
      length: number
      weight: number | undefined
      lengths: Readonly<Record<string, number>>
    },
  ): unknown {
    if (!isNonNullType(type) && !isFull()) return null
    const nullable = getNullableType(type)
    if (isListType(nullable)) {
      const length = isFull() ? field.length : Math.floor(field.length / 2)
      const inner = { ...field, length: listSize }
      return Array.from({ length }, () => valueOf(nullable.ofType, inner))
    }
    const named = getNamedType(nullable)
    if (isLeafType(named)) {
      cost += field.weight ?? weight(named.name) ?? 0
      return named.name === 'Level' ? 'LOW' : named.name === 'Int' ? 1 : 'text'
    }
    const possible = isAbstractType(named) ? schema.getPossibleTypes(named) : [named]
    const dearest = [...possible].sort((a, b) => (weight(b.name) ?? 1) - (weight(a.name) ?? 1))
    const chosen = (isFull() ? dearest[0] : dearest.at(-1))!
    cost += field.weight ?? weight(chosen.name) ?? 1
    return { __typename: chosen.name, lengths: field.lengths } satisfies Source
  }

  function costOfInput(value: unknown, type: GraphQLInputType, own: number | undefined): number {
    if (value === null || value === undefined) return 0
    const nullable = getNullableType(type)
    const named = getNamedType(type)
    if (isListType(nullable) && Array.isArray(value)) {
      const elements = value.map((one) => costOfInput(one, nullable.ofType, own))
      return (own ?? weight(named.name) ?? 0) + elements.reduce((left, right) => left + right, 0)
    }
    if (!isInputObjectType(named)) return own ?? weight(named.name) ?? 0
    const fields = Object.entries(value as object).map(([name, inner]) =>
      costOfInput(inner, named.getFields()[name]!.type, weight(`${named.name}.${name}`)),
    )
    return (own ?? 1) + fields.reduce((left, right) => left + right, 0)
  }
}

/** The cost of an object depends on its type. */
function withTypenames(document: DocumentNode): DocumentNode {
  return visit(document, {
    SelectionSet: {
      leave: (set: SelectionSetNode) => ({
        ...set,
        selections: [typenameField, ...set.selections],
      }),
    },
  }) as DocumentNode
}

function lengthBy(
  size: Record<string, unknown>,
  args: Record<string, unknown>,
): number | undefined {
  const [path] = (size.slicingArguments as string[] | undefined) ?? []
  let value: unknown = args
  for (const step of path?.split('.') ?? [])
    value = (value as Record<string, unknown> | null | undefined)?.[step]
  if (path !== undefined && Array.isArray(value)) return value.length
  return path !== undefined && typeof value === 'number' ? value : (size.assumedSize as number)
}
