/** What is kept of the operations that clients choose: coordinates, counts and labels, and their bounds. */
import { expect, test } from '@jest/globals'
import { buildSchema, getOperationAST, parse, validate } from 'graphql'
import { runToCompletion } from '../../gateway/slices.ts'
import { labelledOperations, operationLabels } from '../../gateway/telemetry/operation-labels.ts'
import { operationCoordinates } from '../../gateway/telemetry/operation-coordinates.ts'
import { RequestFacts } from '../../gateway/telemetry/request-facts.ts'
import { usageCounter } from '../../gateway/telemetry/usage-counter.ts'
import { usageTotals } from '../../gateway/telemetry/usage-totals.ts'
import type { UsageReport, UsageTotals } from '../../gateway/telemetry/usage-totals.ts'

const schema = buildSchema(/* GraphQL */ `
  directive @live(every: Int) on QUERY
  type Query {
    me: User
    node(id: ID!): Node
    search(filter: Filter, kind: Kind = ALL, raw: Anything): [Result]
  }
  interface Node {
    id: ID!
  }
  type User implements Node {
    id: ID!
    name(upper: Boolean): String
    friends: [User]
  }
  type Post implements Node {
    id: ID!
    title: String
  }
  union Result = User | Post
  enum Kind {
    ALL
    NEW
  }
  input Filter {
    text: String
    kinds: [Kind!]
    and: [Filter!]
  }
  scalar Anything
`)

function coordinates(text: string, name?: string): string[] {
  const document = parse(text)
  expect(validate(schema, document)).toEqual([])
  const operation = getOperationAST(document, name)!
  return operationCoordinates({ document, operation }, schema).sort()
}

test.each<[string, string, string[]]>([
  ['fields', '{ me { id again: name } }', ['Query.me', 'User.id', 'User.name']],
  [
    'arguments, by literal and by variable',
    'query ($id: ID!) { node(id: $id) { id } me { name(upper: true) } }',
    ['Node.id', 'Query.me', 'Query.node', 'Query.node(id:)', 'User.name', 'User.name(upper:)'],
  ],
  [
    'fragments, and fragments within them',
    '{ me { ...A } } fragment A on User { friends { ...B } } fragment B on Node { id ... on Post { title } ... { id } }',
    ['Node', 'Node.id', 'Post', 'Post.title', 'Query.me', 'User', 'User.friends'],
  ],
  [
    'input fields and values of enums in literals',
    '{ search(kind: NEW, filter: { and: [{ kinds: [ALL] }, { text: "a" }] }) { __typename } }',
    [
      ...['Filter.and', 'Filter.kinds', 'Filter.text', 'Kind.ALL', 'Kind.NEW'],
      ...['Query.search', 'Query.search(filter:)', 'Query.search(kind:)'],
    ],
  ],
  [
    'the types of variables, whose values are not known, and their defaults',
    'query ($filter: [Filter!], $kind: Kind = ALL, $text: String) { search(filter: { and: $filter, text: $text }, kind: $kind) { __typename } }',
    [
      ...['Filter', 'Filter.and', 'Filter.text', 'Kind', 'Kind.ALL'],
      ...['Query.search', 'Query.search(filter:)', 'Query.search(kind:)'],
    ],
  ],
  [
    'an empty object, and a literal of a custom scalar',
    '{ search(filter: {}, raw: { text: NEW, more: {} }) { __typename } }',
    ['Filter', 'Query.search', 'Query.search(filter:)', 'Query.search(raw:)'],
  ],
  [
    'directives that the schema defines',
    'query @live(every: 5) { me @skip(if: false) { id } }',
    ['@live', '@live(every:)', 'Query.me', 'User.id'],
  ],
  ['no introspection', '{ __typename __schema { types { name } } __type(name: "A") { name } }', []],
])('an operation refers to %s', (_what, text, expected) => {
  expect(coordinates(text)).toEqual(expected)
})

test('of several operations in a document, the one that is executed counts', () => {
  const text = 'query A { me { ...F } } query B { node(id: 1) { id } } fragment F on User { name }'
  expect(coordinates(text, 'B')).toEqual(['Node.id', 'Query.node', 'Query.node(id:)'])
})

function reportOf(totals: UsageTotals): UsageReport {
  return JSON.parse(runToCompletion(totals.report())) as UsageReport
}

function used(coordinates: string[], name: string, lastSeen: number, requests = 1) {
  return { coordinates, clients: [{ name, version: undefined, requests, lastSeen }] }
}

test('requests are counted by client, and reported in the order of neither', () => {
  const totals = usageTotals()
  const usage = usageCounter(totals.add)
  const document = parse('{ me { id } }')
  const operation = { document, operation: getOperationAST(document)! }
  const request = (headers: Record<string, string[]>) => {
    const facts = new RequestFacts({ method: 'POST', search: '', headers, body: new Uint8Array() })
    facts.operation = operation
    usage.count(facts)
  }
  request({})
  usage.prepared(operation, schema)
  const web = { 'apollographql-client-name': ['web'], 'apollographql-client-version': ['1.4.2'] }
  request(web)
  usage.flush()
  request(web)
  request({ 'graphql-client-name': ['web'], 'graphql-client-version': ['1.5.0'] })
  request({})
  expect(reportOf(totals).requests).toBe(1)
  usage.flush()
  usage.flush()
  const { coordinates, requests, complete } = reportOf(totals)
  expect({ requests, complete }).toEqual({ requests: 4, complete: true })
  expect(Object.keys(coordinates)).toEqual(['Query.me', 'User.id'])
  expect(coordinates['Query.me']).toMatchObject({
    requests: 4,
    clients: [
      { name: 'web', version: '1.4.2', requests: 2 },
      { name: 'web', version: '1.5.0', requests: 1 },
      { requests: 1 },
    ],
  })
  expect(Date.now() - Date.parse(coordinates['User.id']!.lastSeen)).toBeLessThan(60_000)
})

test('of more than 200 clients, those seen longest ago are counted together', () => {
  const totals = usageTotals()
  for (let client = 0; client < 250; client++) {
    totals.add([used(['Query.me'], `client ${client}`, 1_000 + client)])
  }
  totals.add([used(['Query.me'], 'client 60', 5_000, 10)])
  totals.add([used(['Query.me', 'User.id'], 'new', 5_001)])
  const { coordinates, complete, requests } = reportOf(totals)
  const { clients, other, ...all } = coordinates['Query.me']!
  expect(clients).toHaveLength(200)
  expect(clients).toContainEqual({
    name: 'client 60',
    requests: 11,
    lastSeen: '1970-01-01T00:00:05.000Z',
  })
  expect(other).toEqual({ requests: 51, lastSeen: '1970-01-01T00:00:01.050Z' })
  expect(all).toEqual({ requests: 261, lastSeen: '1970-01-01T00:00:05.001Z' })
  expect(coordinates['User.id']!.other).toBeUndefined()
  expect({ complete, requests }).toEqual({ complete: true, requests: 261 })
})

test('the report says when there was no room for a coordinate', () => {
  const totals = usageTotals({ clients: 10, pairs: 50 })
  const many = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${prefix}.field${index}`)
  totals.add([used(many('One', 40), 'a', 1)])
  totals.add([used(many('Two', 20), 'b', 2)])
  expect(reportOf(totals).complete).toBe(true)
  totals.add([used(many('Three', 51), 'c', 3)])
  const { coordinates, complete } = reportOf(totals)
  expect(complete).toBe(false)
  expect(Object.keys(coordinates)).toHaveLength(50)
  totals.restart()
  expect(reportOf(totals)).toMatchObject({ complete: true, requests: 0, coordinates: {} })
})

/** A request with an operation of that name, from a caller who has logged in or from an anonymous one. */
function requestOf(name: string, isAnonymous: boolean): RequestFacts {
  const facts = new RequestFacts({
    method: 'POST',
    search: '',
    headers: {},
    body: new Uint8Array(),
  })
  const document = parse(`query ${name} { me { id } }`)
  facts.operation = { document, operation: getOperationAST(document)! }
  facts.caller = { claims: isAnonymous ? null : { sub: '1' } }
  return facts
}

const numbered = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}${index}`)

test('200 operations have a label of their own, 50 by anonymous callers, in all processes', async () => {
  const add = labelledOperations()
  const here = operationLabels(add)
  // Another process, which asks the first one.
  const there = operationLabels(async (seen) => add(seen))
  const labels = async (names: string[], isAnonymous: boolean, of: typeof here) => {
    const found = []
    for (const name of names) found.push((await of(requestOf(name, isAnonymous))).operation)
    return found
  }
  const other = (count: number) => new Array<string>(count).fill('other')

  const junk = numbered('Junk', 60)
  expect(await labels(junk, true, here)).toEqual([...junk.slice(0, 50), ...other(10)])
  const known = numbered('Known', 160)
  expect(await labels(known.slice(0, 100), false, there)).toEqual(known.slice(0, 100))
  expect(await labels(known, false, here)).toEqual([...known.slice(0, 150), ...other(10)])
  expect(await labels([...junk, ...known], false, there)).toEqual([
    ...[...junk.slice(0, 50), ...other(10)],
    ...[...known.slice(0, 150), ...other(10)],
  ])
  expect(await labels(['Known0', 'Junk0', 'Junk59', 'Known159'], true, there)).toEqual([
    ...['Known0', 'Junk0', 'other', 'other'],
  ])
})

test('an operation with a long name has no label of its own', () => {
  const labelOf = operationLabels(labelledOperations())
  const long = 'a'.repeat(101)
  expect(labelOf(requestOf(long, false))).toEqual({ operation: 'other', type: 'query' })
})

test('an operation cannot take the label of all others', () => {
  const labelOf = operationLabels(labelledOperations())
  const other = labelOf(requestOf('a'.repeat(101), false))
  for (const name of ['other', 'anonymous', 'unknown']) {
    // The same object, as two would be two series with the same labels, which Prometheus refuses.
    expect(labelOf(requestOf(name, false))).toBe(other)
  }
})
