/** What a caller gets of an operation, by the cases of the issue; executed for real. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { print } from 'graphql'
import { guardedGraph, ownEngine, withScopes } from './support/guarded-graph.ts'
import type { Answer, GuardedGraph, Question } from './support/guarded-graph.ts'
import { asAnotherComposer, library } from './support/library.ts'

interface Case {
  name: string
  query: string
  question?: Question
  data: unknown
  /** The path of each error. */
  denied: (string | number)[][]
  /** Fields that no subgraph resolved. */
  untouched: string[]
}

const known = { claims: withScopes() }

const cases: Case[] = [
  {
    name: 'a query field',
    query: '{ open secret }',
    data: { open: 'open', secret: null },
    denied: [['secret']],
    untouched: ['Query.secret'],
  },
  {
    name: 'a query field for a known caller',
    query: '{ open secret }',
    question: known,
    data: { open: 'open', secret: 'secret' },
    denied: [],
    untouched: [],
  },
  {
    name: 'an alias, as a response key in the order asked',
    query: '{ a: secret b: open c: secret }',
    data: { a: null, b: 'open', c: null },
    denied: [['a'], ['c']],
    untouched: ['Query.secret'],
  },
  {
    name: 'a list: each position has its error',
    query: '{ users { email name } }',
    data: {
      users: [
        { email: null, name: 'Ada' },
        { email: null, name: 'Bob' },
      ],
    },
    denied: [
      ['users', 0, 'email'],
      ['users', 1, 'email'],
    ],
    untouched: ['User.email'],
  },
  {
    name: 'a nested field',
    query: '{ me { friends { mail: email nickname } name } }',
    data: { me: { friends: [{ mail: null, nickname: 'builder' }], name: 'Ada' } },
    denied: [['me', 'friends', 0, 'mail']],
    untouched: ['User.email'],
  },
  {
    name: 'an object of which nothing is left',
    query: '{ me { email } }',
    data: { me: { email: null } },
    denied: [['me', 'email']],
    untouched: ['User.email'],
  },
  {
    name: 'an object field: what is asked beneath it is not reached',
    query: '{ me { bestFriend { email name } name } }',
    data: { me: { bestFriend: null, name: 'Ada' } },
    denied: [['me', 'bestFriend']],
    untouched: ['User.bestFriend', 'User.email'],
  },
  {
    name: 'a guarded object type',
    query: '{ open account { id } }',
    data: { open: 'open', account: null },
    denied: [['account']],
    untouched: ['Query.account', 'Account.id'],
  },
  {
    name: 'a guarded scalar',
    query: '{ open stamp }',
    data: { open: 'open', stamp: null },
    denied: [['stamp']],
    untouched: ['Query.stamp'],
  },
  {
    name: 'a guarded enum',
    query: '{ open level }',
    question: known,
    data: { open: 'open', level: null },
    denied: [['level']],
    untouched: ['Query.level'],
  },
  {
    name: 'one of the alternatives of scopes is enough, each of them whole',
    query: '{ users { email } }',
    question: { claims: withScopes('read', 'admin') },
    data: { users: [{ email: 'ada@example.com' }, { email: 'bob@example.com' }] },
    denied: [],
    untouched: [],
  },
  {
    name: 'half an alternative of scopes is not enough',
    query: '{ me { email } }',
    question: { claims: { sub: '1', scope: ['admin', 'profile'] } },
    data: { me: { email: null } },
    denied: [['me', 'email']],
    untouched: ['User.email'],
  },
  {
    name: 'an interface by inline fragment',
    query: '{ media { __typename ... on Book { title } ... on Film { title } } }',
    data: {
      media: [
        { __typename: 'Book', title: null },
        { __typename: 'Film', title: 'Metropolis' },
      ],
    },
    denied: [['media', 0, 'title']],
    untouched: ['Book.title'],
  },
  {
    name: 'an interface by named fragment',
    query:
      '{ media { ...book ...film } } fragment book on Book { title pages } fragment film on Film { title }',
    data: { media: [{ title: null, pages: 66 }, { title: 'Metropolis' }] },
    denied: [['media', 0, 'title']],
    untouched: ['Book.title'],
  },
  {
    name: 'an interface field of which some implementations are guarded',
    query: '{ media { id title } }',
    data: {
      media: [
        { id: 'b', title: null },
        { id: 'f', title: null },
      ],
    },
    denied: [
      ['media', 0, 'title'],
      ['media', 1, 'title'],
    ],
    untouched: ['Book.title', 'Film.title'],
  },
  {
    name: 'an interface field of which all implementations are guarded',
    query: '{ vaults { id content } }',
    data: { vaults: [{ id: 'g', content: null }, { id: 's', content: null }, null] },
    denied: [
      ['vaults', 0, 'content'],
      ['vaults', 1, 'content'],
    ],
    untouched: ['Gold.content', 'Silver.content'],
  },
  {
    name: 'a field denied on the interface and allowed on one implementation',
    query: '{ media { title ... on Film { title } } }',
    data: { media: [{ title: null }, { title: 'Metropolis' }] },
    denied: [['media', 0, 'title']],
    untouched: ['Book.title'],
  },
  {
    name: 'a union',
    query: '{ search { ... on User { name email } ... on Wolf { howl } ... on Film { title } } }',
    data: { search: [{ name: 'Ada', email: null }, { howl: null }, { title: 'Metropolis' }] },
    denied: [
      ['search', 0, 'email'],
      ['search', 1, 'howl'],
    ],
    untouched: ['User.email', 'Wolf.howl'],
  },
  {
    name: '__typename on guarded types is harmless',
    query: '{ __typename search { __typename ... on Wolf { kind: __typename howl } } }',
    data: {
      __typename: 'Query',
      search: [
        { __typename: 'User' },
        { __typename: 'Wolf', kind: 'Wolf', howl: null },
        { __typename: 'Film' },
      ],
    },
    denied: [['search', 1, 'howl']],
    untouched: ['Wolf.howl'],
  },
  {
    name: 'a fragment used twice',
    query:
      '{ me { ...person friends { ...person } } } fragment person on User { email name ...more } fragment more on User { phone }',
    data: {
      me: {
        email: null,
        name: 'Ada',
        phone: null,
        friends: [{ email: null, name: 'Bob', phone: null }],
      },
    },
    denied: [
      ['me', 'email'],
      ['me', 'phone'],
      ['me', 'friends', 0, 'email'],
      ['me', 'friends', 0, 'phone'],
    ],
    untouched: ['User.email', 'User.phone'],
  },
  {
    name: 'a non-null field: the null goes up to the nearest nullable',
    query: '{ open strict { inner { id must } list { must } nested { must } } }',
    data: { open: 'open', strict: { inner: null, list: null, nested: null } },
    denied: [
      ['strict', 'inner', 'must'],
      ['strict', 'list', 0, 'must'],
      ['strict', 'nested', 0, 0, 'must'],
    ],
    untouched: ['Inner.must'],
  },
  ...skipAndInclude('skip', true, false),
  ...skipAndInclude('include', false, true),
  {
    name: '@skip with a default value',
    query: 'query ($hide: Boolean = true) { open secret @skip(if: $hide) }',
    data: { open: 'open' },
    denied: [],
    untouched: ['Query.secret'],
  },
  {
    name: '@include on a fragment around denied fields',
    query: 'query ($show: Boolean!) { open ... @include(if: $show) { secret } }',
    question: { variables: { show: false } },
    data: { open: 'open' },
    denied: [],
    untouched: ['Query.secret'],
  },
  {
    name: 'a denied key is fetched for the planner and not shown',
    query: '{ device { serial firmware } }',
    question: known,
    data: { device: { serial: null, firmware: '1.0' } },
    denied: [['device', 'serial']],
    untouched: [],
  },
  {
    name: 'a denied key that nobody asked for',
    query: '{ device { model firmware } }',
    data: { device: { model: 'M', firmware: '1.0' } },
    denied: [],
    untouched: [],
  },
  {
    name: 'a field that requires a guarded one',
    query: '{ me { name greeting } }',
    data: { me: { name: 'Ada', greeting: null } },
    denied: [['me', 'greeting']],
    untouched: ['User.greeting', 'User.email'],
  },
  {
    name: 'a field that requires a guarded one, for who may see both',
    query: '{ me { greeting } }',
    question: { claims: withScopes('profile:email') },
    data: { me: { greeting: 'Dear ada@example.com' } },
    denied: [],
    untouched: [],
  },
  {
    name: 'an entity reached from two subgraphs, of which one guards the field',
    query: '{ me { phone } reviews { author { phone id } } }',
    question: known,
    data: { me: { phone: null }, reviews: [{ author: { phone: null, id: '1' } }] },
    denied: [
      ['me', 'phone'],
      ['reviews', 0, 'author', 'phone'],
    ],
    untouched: ['User.phone'],
  },
  {
    name: 'introspection mixed with data',
    query: '{ __type(name: "Account") { name } open secret }',
    data: { __type: { name: 'Account' }, open: 'open', secret: null },
    denied: [['secret']],
    untouched: ['Query.secret'],
  },
  {
    name: 'a policy that decided against',
    query: '{ open ruled }',
    question: { ...known, granted: ['is adult'] },
    data: { open: 'open', ruled: null },
    denied: [['ruled']],
    untouched: ['Query.ruled'],
  },
  {
    name: 'policies that decided in favour, without a token',
    query: '{ ruled }',
    question: { granted: ['is adult', 'is local'] },
    data: { ruled: 'ruled' },
    denied: [],
    untouched: [],
  },
  {
    name: 'a response key that objects inherit',
    query: '{ __proto__: secret constructor: open toString: secret }',
    data: JSON.parse('{ "__proto__": null, "constructor": "open", "toString": null }'),
    denied: [['__proto__'], ['toString']],
    untouched: ['Query.secret'],
  },
]

function skipAndInclude(directive: 'skip' | 'include', off: boolean, on: boolean): Case[] {
  const query = `query ($v: Boolean!) { open secret @${directive}(if: $v) }`
  const without = { data: { open: 'open' }, denied: [], untouched: ['Query.secret'] }
  const withIt = { ...without, data: { open: 'open', secret: null }, denied: [['secret']] }
  return [
    {
      name: `@${directive} ${off} of a denied field`,
      query,
      question: { variables: { v: off } },
      ...without,
    },
    {
      name: `@${directive} ${on} of a denied field`,
      query,
      question: { variables: { v: on } },
      ...withIt,
    },
    {
      name: `@${directive}, constant ${off}`,
      query: `{ open secret @${directive}(if: ${off}) }`,
      ...without,
    },
    {
      name: `@${directive}, constant ${on}`,
      query: `{ open secret @${directive}(if: ${on}) }`,
      ...withIt,
    },
  ]
}

let graph: GuardedGraph
let other: GuardedGraph
let own: GuardedGraph

beforeAll(async () => {
  graph = await guardedGraph(library)
  other = await guardedGraph(library, {}, asAnotherComposer)
  own = await guardedGraph(library, {}, asAnotherComposer, ownEngine)
})

describe('removed before planning, null in the response:', () => {
  test.each(cases)('$name', async (example) => {
    check(await graph.ask(example.query, example.question), example)
  })
})

describe('the same with the own engine:', () => {
  test.each(cases)('$name', async (example) => {
    check(await own.ask(example.query, example.question), example)
  })
})

describe('the same from a composer that copies no guards:', () => {
  test.each(cases)('$name', async (example) => {
    check(await other.ask(example.query, example.question), example)
  })

  test('the supergraph has indeed no guard on an interface, nor on what requires a guarded field', () => {
    expect(graph.supergraphSdl).toMatch(/interface Animal[^}]*@authenticated/)
    expect(other.supergraphSdl).not.toMatch(/interface [^}]*@(authenticated|requiresScopes)/)
    expect(other.supergraphSdl).not.toMatch(/greeting: .*@requiresScopes/)
  })

  test('a guarded implementation behind an unguarded interface stays closed', async () => {
    const query = '{ animals { name ... on Dog { id } ... on Wolf { howl owner { id } } } }'
    const answer = await other.ask(query)
    expect(answer.data).toEqual({
      animals: [{ name: null, id: 'd' }, null, { name: null, howl: null, owner: null }],
    })
    expect(answer.resolved.filter((field) => /Wolf|name|owner/.test(field))).toEqual([])
  })

  test('what is asked of an interface and of an implementation meets in one object', async () => {
    const query = '{ pet { owner { name } ... on Dog { owner { nickname } } } }'
    const answer = await other.ask(query)
    expect(answer.data).toEqual({ pet: { owner: { name: null, nickname: 'countess' } } })
    expect(answer.errors.map(({ path }) => path)).toEqual([['pet', 'owner', 'name']])
    expect(answer.resolved).not.toContain('users:User.name')
  })
})

function check(answer: Answer, { data, denied, untouched }: Case): void {
  expect(answer.engineErrors).toEqual([])
  expect(answer.data).toEqual(data)
  expect(JSON.stringify(answer.data)).toBe(JSON.stringify(data))
  expect(answer.errors.map(({ path }) => path)).toEqual(denied)
  const touched = answer.resolved.map((field) => field.split(':')[1])
  expect(touched.filter((field) => untouched.includes(field!))).toEqual([])
  for (const { extensions } of answer.errors) {
    expect(extensions.code).toBe('UNAUTHORIZED_FIELD_OR_TYPE')
  }
}

describe('what is planned', () => {
  test('has neither the variables nor the fragments that only denied parts used', async () => {
    const query = `query Q($key: String, $text: String, $unused: Boolean = true) {
      secret(key: $key) ...denied ... @include(if: $unused) { stamp }
      echo(text: $text) me { ...person }
    }
    fragment denied on Query { account { id } }
    fragment person on User { name email }`
    const { authorized, data } = await graph.ask(query, { variables: { text: 'hi', key: 'k' } })
    expect('document' in authorized && print(authorized.document)).toBe(
      'query Q($text: String) {\n  echo(text: $text)\n  me {\n    __typename\n    ...person\n  }\n}\n\n' +
        'fragment person on User {\n  name\n}',
    )
    expect(data).toEqual({
      secret: null,
      account: null,
      stamp: null,
      echo: 'hi',
      me: { name: 'Ada', email: null },
    })
  })

  test('is the operation of the given name only', async () => {
    const query = 'query A { open secret } query B { me { name } secret }'
    const { data, authorized } = await graph.ask(query, { operationName: 'B' })
    expect(data).toEqual({ me: { name: 'Ada' }, secret: null })
    expect('document' in authorized && authorized.document.definitions).toHaveLength(1)
  })

  test('is one object for all callers with the same permissions, and another for others', async () => {
    const query = '{ me { email phone name } secret }'
    const { authorizer } = graph
    const compiled = authorizer.compile((await graph.ask(query)).authorized.compiled.document)
    const as = (...scopes: string[]) =>
      authorizer.authorize(compiled, { claims: withScopes(...scopes) }, {})
    const anonymous = authorizer.authorize(compiled, { claims: null }, {})
    expect(as('unrelated')).toBe(as('another'))
    expect(as('profile:email')).toBe(as('admin', 'read'))
    expect(as('phone')).not.toBe(as('profile:email'))
    const keys = [anonymous, as(), as('phone'), as('profile:email'), as('phone', 'profile:email')]
    expect(new Set(keys.map((each) => 'text' in each && each.text())).size).toBe(5)
  })

  test('is shared by two combinations that leave the same', async () => {
    const { authorizer } = graph
    const { authorized } = await graph.ask('{ open me { bestFriend { email } } }')
    const { compiled } = authorized
    const anonymous = authorizer.authorize(compiled, { claims: null }, {})
    const knownCaller = authorizer.authorize(compiled, { claims: withScopes() }, {})
    const anonymousWithPolicy = authorizer.authorize(compiled, { claims: null }, {}, new Set(['x']))
    expect(anonymousWithPolicy).toBe(anonymous)
    expect('document' in anonymous && 'document' in knownCaller).toBe(true)
    expect(knownCaller).not.toBe(anonymous)
  })
})

test('an alias may not speak for __typename', async () => {
  await expect(graph.ask('{ me { __typename: name } }')).rejects.toThrow(
    '`__typename` cannot be the alias of another field',
  )
})

test('of more than a thousand denials in one response the rest is counted', async () => {
  const aliases = Array.from({ length: 600 }, (_, n) => `a${n}: email`).join(' ')
  const { data, errors } = await graph.ask(`{ users { id ${aliases} } }`)
  expect(Object.keys((data!.users as object[])[1]!)).toHaveLength(601)
  expect(errors).toHaveLength(1000)
  expect(errors.at(-1)).toMatchObject({
    message: 'You may not see this field, nor 200 more',
    path: ['users', 1, 'a399'],
  })
})

test('of a denied field that is selected very often, some of the places are named', async () => {
  const graph = await guardedGraph(library, {}, undefined, ownEngine)
  const { errors } = await graph.ask(`{ users { ${'email '.repeat(500)} name } }`)
  expect(errors.map(({ path }) => path.join('.'))).toEqual(['users.0.email', 'users.1.email'])
  expect(errors.map(({ locations = [] }) => locations.length)).toEqual([16, 16])
})

test('a document that touches more guards than a number has bits', async () => {
  const fields = Array.from({ length: 40 }, (_, n) => n)
  const wide = await guardedGraph({
    wide: {
      typeDefs: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"])
        type Query { open: Int ${fields.map((n) => `f${n}: Int @requiresScopes(scopes: [["s${n}"]])`).join('\n')} }`,
      resolvers: {
        Query: Object.fromEntries([['open', () => -1], ...fields.map((n) => [`f${n}`, () => n])]),
      },
    },
  })
  const query = `{ open ${fields.map((n) => `f${n}`).join(' ')} }`
  const answer = await wide.ask(query, { claims: withScopes('s0', 's33', 's39') })
  const shown = Object.entries(answer.data!).filter(([, value]) => value !== null)
  expect(Object.fromEntries(shown)).toEqual({ open: -1, f0: 0, f33: 33, f39: 39 })
  expect(answer.errors).toHaveLength(37)
  expect(answer.resolved).toHaveLength(4)
})
