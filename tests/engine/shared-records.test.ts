/** Entities that are equal so far become one record of the data: what is fetched for one is not another's. */
import { afterAll, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { ResponsePath } from '../../gateway/graphql/response-error.ts'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { NativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { parsed, readResponse } from '../support/response-bytes.ts'
import { composed, federation } from './federations.ts'

const shop = federation('shared records', {
  products: `
    type Query { items: [Item] best: Item grid: [[Thing]] }
    union Thing = Item | Toy
    type Item @key(fields: "id") { id: ID! name: String part: Part big: Any }
    type Toy @key(fields: "id") { id: ID! name: String }
    type Part { text: String maker: Maker }
    type Maker @key(fields: "id") { id: ID! name: String }
    scalar Any
  `,
  stock: `
    type Item @key(fields: "id") {
      id: ID! count: Int! notes: [String!] next: Item big: Any @external sum: Any @requires(fields: "big")
    }
    type Toy @key(fields: "id") { id: ID! count: Int }
    type Maker @key(fields: "id") { id: ID! country: String! }
    scalar Any
  `,
})

type Representation = Readonly<Record<string, unknown>>
type Entity = (representation: Representation) => unknown

interface Context {
  readonly products: string
  /** Returns an entity, or its error. */
  readonly stock: Entity
  readonly sent: string[]
}

let engine: Promise<NativeExecutor<Context>> | undefined

afterAll(async () => (await engine)?.close())

async function run(text: string, products: string, stock: Entity) {
  engine ??= nativeExecutor<Context>({
    supergraphSdl: composed(shop),
    mayBatch: () => false,
    fetchSubgraph: async (subgraph, request, context) => {
      if (subgraph === 'products') {
        return readResponse(request, Buffer.from(`{"data":${context.products}}`))
      }
      context.sent.push(/"representations":(.*)\}\}$/.exec(request.body)![1]!)
      const { variables } = JSON.parse(request.body) as {
        variables: { representations: Representation[] }
      }
      const errors: { message: string; path: ResponsePath }[] = []
      const entities = variables.representations.map((one, index) => {
        const entity = context.stock(one)
        if (!(entity instanceof Error)) return entity
        errors.push({ message: entity.message, path: ['_entities', index] })
        return null
      })
      const response = { data: { _entities: entities }, ...(errors.length > 0 ? { errors } : {}) }
      return readResponse(request, Buffer.from(JSON.stringify(response)))
    },
  })
  const sent: string[] = []
  const { data, errors } = await (
    await engine
  ).execute({ document: parse(text), context: { products, stock, sent } })
  return {
    data: parsed(data),
    errors: errors.map(({ message, path }) => `${message} at ${path?.join('.')}`),
    sent,
  }
}

const item = (id: string, more = '') => `{"__typename":"Item","id":"${id}"${more}}`

test('entities with one key keep what is different about them', async () => {
  const items = [item('1', ',"name":"a"'), item('1', ',"name":"b"'), item('1', ',"name":null')]
  const { data, sent } = await run('{ items { name count } }', `{"items":[${items}]}`, () => ({
    count: 7,
  }))
  const names = ['a', 'b', null]
  expect(data).toEqual({ items: names.map((name) => ({ name, count: 7 })) })
  expect(sent).toEqual(['[{"__typename":"Item","id":"1"}]'])
})

test('an error of an entity is one at each of its positions, in one place and in others', async () => {
  const items = ['1', '2', '1'].map((id) => item(id))
  const { data, errors } = await run(
    '{ items { id count } best { id count } }',
    `{"items":[${items}],"best":${item('1')}}`,
    ({ id }) => (id === '1' ? new Error('broken') : { count: 2 }),
  )
  expect(data).toEqual({ items: [null, { id: '2', count: 2 }, null], best: null })
  expect(errors.map((error) => error.replace(/^.* at /, '')).sort()).toEqual([
    'best',
    'items.0',
    'items.2',
  ])
})

test('a wrong value in an entity is an error at each of its positions', async () => {
  const items = ['1', '2', '1'].map((id) => item(id))
  const { data, errors } = await run(
    '{ items { id notes } best { notes id } }',
    `{"items":[${items}],"best":${item('1')}}`,
    ({ id }) => ({ notes: id === '1' ? ['x', 7, 'z'] : ['y'] }),
  )
  const notes = null
  expect(data).toEqual({
    items: [
      { id: '1', notes },
      { id: '2', notes: ['y'] },
      { id: '1', notes },
    ],
    best: { notes, id: '1' },
  })
  expect(errors.map((error) => error.replace(/^.* at /, '')).sort()).toEqual([
    'best.notes.1',
    'items.0.notes.1',
    'items.2.notes.1',
  ])
})

test('entities of different types with one key are two', async () => {
  const toy = '{"__typename":"Toy","id":"1"}'
  const { data } = await run(
    '{ grid { ... on Item { id count } ... on Toy { id count } } }',
    `{"grid":[[${item('1')},${toy}],[],null,[${toy},null,${item('1')}]]}`,
    ({ __typename }) => ({ count: __typename === 'Toy' ? 5 : 6 }),
  )
  const [one, two] = [
    { id: '1', count: 6 },
    { id: '1', count: 5 },
  ]
  expect(data).toEqual({ grid: [[one, two], [], null, [two, null, one]] })
})

test('entities below equal entities are fetched for each that is different', async () => {
  const part = (text: string, id: string) =>
    `,"part":{"text":"${text}","maker":{"__typename":"Maker","id":"${id}"}}`
  const items = [
    item('1', part('a', '1')),
    item('1', part('a', '2')),
    item('1', part('b', '1')),
    item('1', ',"part":null'),
    item('1', ',"part":{"text":"c","maker":null}'),
  ]
  const { data, errors } = await run(
    '{ items { count part { text maker { country } } } }',
    `{"items":[${items}]}`,
    ({ __typename, id }) =>
      __typename === 'Item' ? { count: 1 } : id === '2' ? { country: null } : { country: `c${id}` },
  )
  const maker = { country: 'c1' }
  expect(data).toEqual({
    items: [
      { count: 1, part: { text: 'a', maker } },
      { count: 1, part: { text: 'a', maker: null } },
      { count: 1, part: { text: 'b', maker } },
      { count: 1, part: null },
      { count: 1, part: { text: 'c', maker: null } },
    ],
  })
  expect(errors).toEqual([expect.stringMatching(/ at items\.1\.part\.maker\.country$/)])
})

test('numbers keep their digits in keys and in required fields, and are sent as they came', async () => {
  const big = (text: string) => item('9007199254740993', `,"big":${text}`).replace(/"(\d+)"/, '$1')
  const values = ['9007199254740993', '0.10', '1e400', '[1.0,{"a":-0}]', '"\\u0041"']
  const { data, sent } = await run(
    '{ items { id sum } }',
    `{"items":[${values.map(big)}]}`.replaceAll('"id":9007199254740993', '"id":"9007199254740993"'),
    ({ big: value }) => ({ sum: value }),
  )
  expect(sent.join()).toContain('"id":"9007199254740993","big":9007199254740993}')
  for (const value of values.slice(0, 4)) expect(sent.join()).toContain(`"big":${value}}`)
  expect(data).toMatchObject({ items: values.map(() => ({ id: '9007199254740993' })) })
})
