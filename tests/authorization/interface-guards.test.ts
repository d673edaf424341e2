/** Guards on interfaces, in supergraphs whose composer did not copy them to the implementations. */
import { describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { explainOperation } from '../../gateway/authorization/explain-operation.ts'
import { guardSupergraph } from '../../gateway/authorization/guard-supergraph.ts'
import { composedGuards } from './support/composed-guards.ts'
import {
  compose,
  federationLink,
  guardedGraph,
  ownEngine,
  withScopes,
} from './support/guarded-graph.ts'
import type { GuardedGraph, TestSubgraph } from './support/guarded-graph.ts'

const a = { __typename: 'A', id: 'a', secret: 'of a', name: 'Ann', own: 'own' }
const b = { __typename: 'B', id: 'b', secret: 'of b', name: 'Bob' }
const c = { __typename: 'C', name: 'Cleo' }

/** A and B are I and J, and J is I too; C is none of these. */
const subgraphs: Record<string, TestSubgraph> = {
  s: {
    typeDefs: `${federationLink}
      type Query {
        open: String
        a: A
        b: B
        i: I
        j: J
        both: [I!]
        any: [U]
        named: [Named]
        links: Int @authenticated @requiresScopes(scopes: [["x"]]) @policy(policies: [["x"]])
      }
      interface I { id: ID! secret: String }
      interface J implements I { id: ID! secret: String name: String }
      interface Named { name: String }
      type A implements I & J & Named @key(fields: "id") {
        id: ID! secret: String name: String own: String
      }
      type B implements I & J & Named @key(fields: "id") { id: ID! secret: String name: String }
      type C implements Named { name: String }
      union U = A | B | C`,
    resolvers: {
      Query: {
        open: () => 'open',
        a: () => a,
        b: () => b,
        i: () => a,
        j: () => b,
        both: () => [a, b],
        any: () => [a, b, c],
        named: () => [a, b, c],
      },
      A: { __resolveReference: ({ id }: { id: string }) => ({ ...a, id }) },
      B: { __resolveReference: ({ id }: { id: string }) => ({ ...b, id }) },
    },
  },
  t: {
    typeDefs: `${federationLink}
      type A @key(fields: "id") {
        id: ID! secret: String @external
        hint: String @requires(fields: "secret")
      }`,
    resolvers: {
      A: {
        __resolveReference: (reference: object) => reference,
        hint: ({ secret }: { secret: string }) => secret,
      },
    },
  },
}

/** The supergraph with directives on types and fields: `{ I: '@authenticated', 'A.id': '...' }`. */
function guardedAt(guards: Readonly<Record<string, string>>): (sdl: string) => string {
  return (sdl) =>
    Object.entries(guards).reduce((text, [coordinate, directive]) => {
      const [type, field] = coordinate.split('.')
      const definition = new RegExp(`^(type|interface) ${type}\\b[^{]*\\{[^}]*\\}`, 'm')
      return text.replace(definition, (found) =>
        field === undefined
          ? found.replace('{', `${directive} {`)
          : found.replace(new RegExp(`^(\\s*${field}: \\S+)`, 'm'), `$1 ${directive}`),
      )
    }, sdl)
}

function graphGuardedAt(guards: Readonly<Record<string, string>>): Promise<GuardedGraph> {
  return guardedGraph(subgraphs, {}, guardedAt(guards), ownEngine)
}

const somebody = { claims: withScopes() }
const touched = ({ resolved }: { resolved: string[] }) => resolved.map((one) => one.slice(2))

describe('a guard on a field of an interface holds', () => {
  test.each([
    ['on the implementing object', '{ open a { secret } b { secret } }'],
    ['on the interface', '{ open i { secret } }'],
    ['in a fragment on the implementation', '{ open i { id ... on A { secret } } }'],
    ['in a union', '{ open any { ... on A { secret } ... on B { secret } } }'],
    ['through an interface that implements it', '{ open j { secret name } }'],
    [
      'through another interface',
      '{ open named { name ... on A { secret } ...f } } fragment f on I { secret }',
    ],
    ['for what requires it', '{ open a { id hint } }'],
  ])('%s', async (_name, query) => {
    const graph = await graphGuardedAt({ 'I.secret': '@authenticated' })
    const refused = await graph.ask(query)
    expect(touched(refused)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/secret|hint/)]),
    )
    expect(JSON.stringify(refused.data)).not.toMatch(/of [ab]/)
    expect(refused.data).toMatchObject({ open: 'open' })
    expect(refused.errors.length).toBeGreaterThan(0)
    expect(await graph.ask(query, somebody)).toMatchObject({ outcome: 'whole', errors: [] })
  })

  test('with scopes and policies as well', async () => {
    const graph = await graphGuardedAt({
      'I.secret': '@requiresScopes(scopes: [["s"]])',
      'J.name': '@policy(policies: [["p"]])',
    })
    const query = '{ a { id secret name } }'
    expect((await graph.ask(query, somebody)).data).toEqual({
      a: { id: 'a', secret: null, name: null },
    })
    const answer = await graph.ask(query, { claims: withScopes('s'), granted: ['p'] })
    expect(answer.data).toEqual({ a: { id: 'a', secret: 'of a', name: 'Ann' } })
  })
})

describe('a guard on an interface type holds', () => {
  test.each([
    ['for fields that hand out an implementation', '{ open a { id own } }', { a: null }],
    ['for fields that hand out the interface', '{ open both { id } }', { both: null }],
    ['for an interface that implements it', '{ open j { name } }', { j: null }],
    [
      'for fragments on an implementation',
      '{ open any { ... on A { own } ... on C { name } } }',
      { any: [{ own: null }, {}, { name: 'Cleo' }] },
    ],
    [
      'for what implementations have from another interface',
      '{ open named { name } }',
      { named: [{ name: null }, { name: null }, { name: null }] },
    ],
  ])('%s', async (_name, query, data) => {
    const graph = await graphGuardedAt({ I: '@authenticated' })
    const refused = await graph.ask(query)
    expect(refused.data).toEqual({ open: 'open', ...data })
    expect(touched(refused).filter((field) => /^[AB]\./.test(field))).toEqual([])
    expect(await graph.ask(query, somebody)).toMatchObject({ outcome: 'whole' })
  })
})

describe('a guard that the implementations explain adds nothing to them', () => {
  const scopes = (...anyOf: string[][]) => `@requiresScopes(scopes: ${JSON.stringify(anyOf)})`

  test.each([
    [
      'the only one of an implementation',
      { 'A.secret': scopes(['s']), 'I.secret': scopes(['s']), 'J.secret': scopes(['s']) },
    ],
    [
      'the conjunction, however it is written',
      {
        'A.secret': scopes(['s', 't'], ['u']),
        'B.secret': '@authenticated',
        'I.secret': `@authenticated ${scopes(['u'], ['t', 's'], ['u', 's'])}`,
      },
    ],
    ['on the types', { A: '@authenticated', I: '@authenticated', J: '@authenticated' }],
  ])('%s', (_name, guards) => {
    const { schema } = guardSupergraph(guardedAt(guards)(sdlOf())).authorizer
    const inherited = [...schema.types.values()].flatMap((type) =>
      [type, ...type.fields.values()].flatMap((element) => element.inherited),
    )
    expect(inherited).toEqual([])
  })

  test.each<[string, Record<string, string>]>([
    ['less than they demand', { 'A.secret': scopes(['s', 't']), 'I.secret': scopes(['s']) }],
    ['more than they demand', { 'A.secret': scopes(['s']), 'I.secret': scopes(['s', 't']) }],
    ['something else', { 'A.secret': scopes(['s']), 'I.secret': '@authenticated' }],
    ['what a type demands', { A: '@authenticated', 'I.secret': '@authenticated' }],
    [
      'a requirement that no caller satisfies',
      { 'A.secret': scopes([]), 'I.secret': '@requiresScopes(scopes: [])' },
    ],
  ])('%s is not explained', (_name, guards) => {
    const { schema } = guardSupergraph(guardedAt(guards)(sdlOf())).authorizer
    expect(schema.fieldRequirement('B', 'secret')).toHaveLength(1)
  })

  test('as @apollo/composition writes it', async () => {
    const composed = await guardedGraph({
      s: {
        typeDefs: `${federationLink}
          type Query { a: A b: B c: C i: I }
          interface I { f: String g: String h: String }
          interface J implements I { f: String g: String h: String }
          type A implements I & J {
            f: String @requiresScopes(scopes: [["s", "t"], ["u"]])
            g: String @authenticated
            h: String @requiresScopes(scopes: [])
          }
          type B implements I @authenticated {
            f: String @requiresScopes(scopes: [["t"], ["v"]]) @policy(policies: [["p"]])
            g: String
            h: String @requiresScopes(scopes: [["w"]])
          }
          type C implements I & J { f: String g: String h: String }`,
        resolvers: { Query: { c: () => ({ f: 'f', g: 'g', h: 'h' }) } },
      },
    })
    const { data, errors } = await composed.ask('{ c { f g h } }')
    expect({ data, errors }).toEqual({ data: { c: { f: 'f', g: 'g', h: 'h' } }, errors: [] })
  })
})

test('whatever @apollo/composition writes by itself, nothing is inherited', () => {
  let onInterfaces = 0
  for (let seed = 1; seed <= 10; seed++) {
    const { schema } = guardSupergraph(compose(composedGuards(seed))).authorizer
    for (const type of schema.types.values()) {
      const elements = [type, ...type.fields.values()]
      expect(elements.flatMap(({ inherited }) => inherited)).toEqual([])
      if (type.kind !== 'interface') continue
      onInterfaces += elements.filter(({ guards }) => guards.length > 0).length
    }
  }
  expect(onInterfaces).toBeGreaterThan(20)
})

test('what is inherited is explained', () => {
  const guards = { 'I.secret': '@authenticated', J: '@requiresScopes(scopes: [["j"]])' }
  const { authorizer } = guardSupergraph(guardedAt(guards)(sdlOf()))
  const compiled = authorizer.compile(parse('{ a { secret } any { ... on B { name } } }'))
  const explained = explainOperation(authorizer, compiled, { caller: { claims: null } })
  expect(
    explained.map(({ coordinate, requirements }) => [
      coordinate,
      ...requirements.map(({ at, because, met }) => `${at}, ${because}: ${met}`),
    ]),
  ).toEqual([
    ['Query.a', 'J, an interface of its output type: false'],
    ['A.secret', 'I.secret, its interface: false', 'J, its interface: false'],
    ['Query.any'],
    ['B.name', 'J, its interface: false'],
  ])
})

test.each(['@authenticated', '@requiresScopes(scopes: [["s"]])', '@policy(policies: [["p"]])'])(
  'a supergraph with %s and no @link for it is refused',
  (directive) => {
    const name = directive.slice(1).replace(/\(.*/, '')
    const sdl = guardedAt({ 'B.secret': directive })(sdlOf())
    const url = `https://specs.apollo.dev/${name}/v0.1`
    const unlinked = sdl.replace(new RegExp(`@link\\(url: "${url}"[^)]*\\)`), '')
    expect(() => guardSupergraph(unlinked)).toThrow(`it has @${name}, but no @link says which`)
  },
)

function sdlOf(): string {
  return compose(subgraphs)
}
