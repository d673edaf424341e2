/** Random federations with random guards: the same seed, the same graph. */
import { Kind, parse, print, visit } from 'graphql'
import type { ConstDirectiveNode, FieldDefinitionNode, TypeNode } from 'graphql'
import { federationLink } from './guarded-graph.ts'
import type { TestSubgraph } from './guarded-graph.ts'

export interface RandomNumbers {
  below(limit: number): number
  chance(probability: number): boolean
  pick<Value>(values: readonly Value[]): Value
}

/** What a coordinate demands: every one of these, each an OR of ANDs. */
export interface Demand {
  readonly kind: 'authenticated' | 'scopes' | 'policies'
  readonly anyOf: readonly (readonly string[])[]
}

export interface RandomGraph {
  readonly subgraphs: Record<string, TestSubgraph>
  /** Puts the guards into the composed supergraph, as a composer would that copies none. */
  readonly addGuards: (sdl: string) => string
  /** The demands by coordinate, filled in by addGuards: types as `T`, fields as `T.f`. */
  readonly demands: Map<string, Demand[]>
}

export const scopes = ['s0', 's1', 's2', 's3'] as const
export const policies = ['p0', 'p1'] as const

const objects = ['A', 'B', 'C', 'D'] as const
const interfaces = { I: ['A', 'B', 'C'], J: ['C', 'D'] } as const
const union = ['A', 'D'] as const

/** The interfaces by the objects that implement them. */
export const interfacesOf = new Map(
  objects.map((object) => [
    object as string,
    Object.entries(interfaces).flatMap(([name, members]) =>
      (members as readonly string[]).includes(object) ? [name] : [],
    ),
  ]),
)

/** Returns the coordinates of the same place on the implementations of an interface. */
export function implementationsOf(coordinate: string): string[] {
  const [type = '', field] = coordinate.split('.')
  const members = Object.hasOwn(interfaces, type) ? interfaces[type as keyof typeof interfaces] : []
  return members.map((member) => (field === undefined ? member : `${member}.${field}`))
}

/** Returns the federation and its guards. */
export function randomGraph(random: RandomNumbers): RandomGraph {
  const demands = new Map<string, Demand[]>()
  const subgraphs = randomSubgraphs(random)
  return { subgraphs, demands, addGuards: (sdl) => guarded(sdl, random, demands) }
}

function randomSubgraphs(random: RandomNumbers): Record<string, TestSubgraph> {
  const outputs = ['String', 'Stamp', 'Level', 'A', 'B', 'C', 'D', 'I', 'J', 'U'] as const
  const wrap = (name: string) =>
    random.pick([name, name, `${name}!`, `[${name}]`, `[${name}!]!`, `[[${name}!]]`])
  const fields = (prefix: string, count: number, from: readonly string[] = outputs) =>
    Array.from({ length: count }, (_, n) => `${prefix}${n}: ${wrap(random.pick(from))}`)

  // Interfaces live in the first subgraph, since composition wants them alike everywhere.
  const ofInterface = Object.fromEntries(
    Object.keys(interfaces).map((name) => [name, fields(name.toLowerCase(), 3)] as const),
  )
  const implemented = (object: string) =>
    Object.entries(interfaces).filter(([, members]) => members.includes(object as never))
  const first = [
    ...Object.entries(ofInterface).map(
      ([name, own]) => `interface ${name} { id: ID! ${own.join(' ')} }`,
    ),
    `union U = ${union.join(' | ')}`,
    ...objects.map((object) => {
      const own = implemented(object).flatMap(([name]) => ofInterface[name]!)
      const names = implemented(object).map(([name]) => name)
      const head = names.length > 0 ? ` implements ${names.join(' & ')}` : ''
      const more = fields('own', 2)
      return (
        `type ${object}${head} @key(fields: "id") ` +
        `{ id: ID! needed: String both: String @shareable ${[...own, ...more].join(' ')} }`
      )
    }),
    `type Query { ${fields('q', 6).join(' ')} }`,
    `type Mutation { ${fields('m', 3).join(' ')} }`,
  ]
  const others = ['String', 'Stamp', 'Level', ...objects]
  const second = [
    ...objects.map(
      (object) =>
        `type ${object} @key(fields: "id") { id: ID! both: String @shareable needed: String @external ` +
        `requiring: String @requires(fields: "needed") ${fields('far', 2, others).join(' ')} }`,
    ),
    `type Query { ${fields('r', 3, others).join(' ')} }`,
  ]
  return { first: subgraph(first), second: subgraph(second) }
}

function subgraph(definitions: readonly string[]): TestSubgraph {
  const typeDefs = [federationLink, 'scalar Stamp', 'enum Level { LOW HIGH }', ...definitions].join(
    '\n',
  )
  const resolvers: Record<string, Record<string, unknown>> = {}
  for (const definition of parse(typeDefs).definitions) {
    if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) continue
    const type = definition.name.value
    resolvers[type] = Object.fromEntries(
      (definition.fields ?? []).flatMap((field) => resolverOf(type, field)),
    )
    if (objects.includes(type as never)) {
      resolvers[type].__resolveReference = (reference: object) => ({ ...reference })
    }
  }
  return { typeDefs, resolvers }
}

type Source = { readonly id?: string; readonly needed?: string } | undefined

/** Values name their field: a String is `A.own0` in every object. */
function resolverOf(type: string, field: FieldDefinitionNode): [string, unknown][] {
  const name = field.name.value
  const isExternal = field.directives?.some((directive) => directive.name.value === 'external')
  if (name === 'id' || isExternal) return []
  return [
    [
      name,
      (source: Source) => {
        const seed = hash(`${source?.id ?? ''} ${type}.${name}`)
        if (name === 'requiring') return `${type}.requiring of ${source?.needed}`
        return valueOf(field.type, `${type}.${name}`, seed, false)
      },
    ],
  ]
}

function valueOf(type: TypeNode, coordinate: string, seed: number, required: boolean): unknown {
  if (type.kind === Kind.NON_NULL_TYPE) return valueOf(type.type, coordinate, seed, true)
  if (!required && seed % 11 === 0) return null
  if (type.kind === Kind.LIST_TYPE) {
    const length = seed % 3
    return Array.from({ length }, (_, n) =>
      valueOf(type.type, coordinate, hash(`${seed} ${n}`), false),
    )
  }
  const name = type.name.value
  if (name === 'String' || name === 'Stamp') return coordinate
  if (name === 'Level') return seed % 2 ? 'LOW' : 'HIGH'
  const candidates: readonly string[] =
    name === 'U' ? union : name in interfaces ? interfaces[name as keyof typeof interfaces] : [name]
  const object = candidates[seed % candidates.length]!
  return { __typename: object, id: `${object}.id #${seed % 7}` }
}

function hash(text: string): number {
  let value = 2166136261
  for (const character of text) value = Math.imul(value ^ character.codePointAt(0)!, 16777619) >>> 0
  return value
}

function guarded(sdl: string, random: RandomNumbers, demands: Map<string, Demand[]>): string {
  const style = random.pick(['plain', 'link as', 'import as'])
  const nameOf = (directive: string) =>
    style === 'plain' ? directive : style === 'link as' ? `x_${directive}` : `${directive}Please`
  const link = (directive: string) => {
    const url = `url: "https://specs.apollo.dev/${directive}/v0.1", for: SECURITY`
    if (style === 'plain') return `@link(${url})`
    if (style === 'link as') return `@link(${url}, as: "${nameOf(directive)}")`
    return `@link(${url}, import: [{ name: "@${directive}", as: "@${nameOf(directive)}" }])`
  }
  const probability = { type: 0.12, field: 0.16, leaf: 0.25 }

  const guardedObjects = visit(parse(sdl), {
    InterfaceTypeDefinition: () => false,
    ObjectTypeDefinition: { leave: (node) => withDemands(node, node.name.value, probability.type) },
    ScalarTypeDefinition: { leave: (node) => withDemands(node, node.name.value, probability.leaf) },
    EnumTypeDefinition: { leave: (node) => withDemands(node, node.name.value, probability.leaf) },
    FieldDefinition: {
      leave: (node, _key, _parent, _path, ancestors) =>
        withDemands(node, coordinateOf(node, ancestors), probability.field),
    },
  })
  const document = visit(guardedObjects, {
    ObjectTypeDefinition: () => false,
    InterfaceTypeDefinition: { leave: (node) => ofInterface(node, node.name.value, 0.05) },
    FieldDefinition: {
      leave: (node, _key, _parent, _path, ancestors) =>
        ofInterface(node, coordinateOf(node, ancestors), probability.field),
    },
  })
  const directives = ['authenticated', 'requiresScopes', 'policy']
  const definitions = directives.map((directive) => {
    const argument = { requiresScopes: '(scopes: [[s__S!]!]!)', policy: '(policies: [[s__S!]!]!)' }
    const args = argument[directive as keyof typeof argument] ?? ''
    return `directive @${nameOf(directive)}${args.replaceAll('s__S', scalarOf(directive))} on OBJECT | INTERFACE | SCALAR | ENUM | FIELD_DEFINITION`
  })
  const scalars = ['requiresScopes', 'policy'].map((directive) => `scalar ${scalarOf(directive)}`)
  return [
    print(document).replace(/^schema\n?/m, `schema ${directives.map(link).join(' ')}\n`),
    ...definitions,
    ...scalars,
  ].join('\n\n')

  function scalarOf(directive: string): string {
    const prefix = style === 'link as' ? nameOf(directive) : directive
    return `${prefix}__${directive === 'policy' ? 'Policy' : 'Scope'}`
  }

  function withDemands<Node extends { readonly directives?: readonly ConstDirectiveNode[] }>(
    node: Node,
    coordinate: string,
    probability: number,
  ): Node | undefined {
    const internal = coordinate.includes('__') || ['Query', 'Mutation'].includes(coordinate)
    if (internal || !random.chance(probability)) return undefined
    return withDemand(node, coordinate, randomDemand())
  }

  /** What the implementations demand, as one composer copies it and another does not, or anything. */
  function ofInterface<Node extends { readonly directives?: readonly ConstDirectiveNode[] }>(
    node: Node,
    coordinate: string,
    probability: number,
  ): Node | undefined {
    if (random.chance(0.5)) return withDemands(node, coordinate, probability)
    const theirs = implementationsOf(coordinate).flatMap((place) => demands.get(place) ?? [])
    const kinds = [...new Set(theirs.map(({ kind }) => kind))]
    return kinds.reduce<Node>((copied, kind) => {
      const lists = theirs.filter((demand) => demand.kind === kind).map(({ anyOf }) => anyOf)
      return withDemand(copied, coordinate, { kind, anyOf: lists.reduce(product) })
    }, node)
  }

  function withDemand<Node extends { readonly directives?: readonly ConstDirectiveNode[] }>(
    node: Node,
    coordinate: string,
    demand: Demand,
  ): Node {
    demands.set(coordinate, [...(demands.get(coordinate) ?? []), demand])
    const { definitions } = parse(`scalar S ${printed(demand)}`)
    const directives = (definitions[0] as { directives?: readonly ConstDirectiveNode[] }).directives
    return { ...node, directives: [...(node.directives ?? []), ...(directives ?? [])] }
  }

  function randomDemand(): Demand {
    const kind = random.pick(['authenticated', 'scopes', 'scopes', 'scopes', 'policies'] as const)
    if (kind === 'authenticated') return { kind, anyOf: [[]] }
    const names = kind === 'scopes' ? scopes : policies
    const some = () => names.filter(() => random.chance(0.4))
    return { kind, anyOf: random.chance(0.3) ? [some(), some()] : [some()] }
  }

  function printed({ kind, anyOf }: Demand): string {
    if (kind === 'authenticated') return `@${nameOf('authenticated')}`
    const [directive, argument] =
      kind === 'scopes' ? ['requiresScopes', 'scopes'] : ['policy', 'policies']
    return `@${nameOf(directive!)}(${argument}: ${JSON.stringify(anyOf)})`
  }
}

function product(one: Demand['anyOf'], other: Demand['anyOf']): Demand['anyOf'] {
  return one.flatMap((some) => other.map((more) => [...new Set([...some, ...more])]))
}

function coordinateOf(node: FieldDefinitionNode, ancestors: readonly unknown[]): string {
  const type = ancestors.at(-1) as { readonly name: { readonly value: string } }
  return `${type.name.value}.${node.name.value}`
}
