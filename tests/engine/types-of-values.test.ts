/** Values are checked against the type that the client sees, whatever type the fetch selects them of. */
import { afterAll, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { NativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { answered, parsed, readResponse } from '../support/response-bytes.ts'
import { composed, federation } from './federations.ts'

const library = federation('types of values', {
  a: `
    type Query { books: [Book] any: [Any] nodes: [Node] }
    interface Media @key(fields: "id") @inaccessible { id: ID! }
    type Book implements Media @key(fields: "id") { id: ID! }
    union Any = Shelf | Box
    type Shelf { part: Shelves } type Shelves { row: Int size: Int }
    type Box { part: Boxes } type Boxes { size: String }
    interface Node { cells: [Cell] }
    type Item implements Node { cells: [Cell!]! }
    type Thing implements Node { cells: [Cell] }
    type Cell { id: ID! }
  `,
  b: `
    type Media @interfaceObject @key(fields: "id") { id: ID! pages: Int kind: Kind lines: [Int!] }
    enum Kind { NOVEL SECRET @inaccessible }
  `,
})

type Responses = Readonly<Record<string, unknown>>
let engine: Promise<NativeExecutor<Responses>> | undefined

afterAll(async () => (await engine)?.close())

async function run(text: string, responses: Responses) {
  engine ??= nativeExecutor<Responses>({
    supergraphSdl: composed(library),
    fetchSubgraph: async (subgraph, request, context) => {
      const response = context[subgraph]
      return typeof response === 'string'
        ? readResponse(request, Buffer.from(response))
        : answered(request, response)
    },
  })
  const { data, errors } = await (
    await engine
  ).execute({ document: parse(text), context: responses })
  return { data: parsed(data), errors: errors.map(({ path }) => path?.join('.')) }
}

test('what an interface object brings is checked also if clients do not see the interface', async () => {
  const responses = {
    a: { books: [{ __typename: 'Book', id: '1' }] },
    b: { _entities: [{ __typename: 'Media', pages: 'all', kind: 'SECRET', lines: [7, null] }] },
  }
  expect(await run('{ books { pages kind lines } }', responses)).toEqual({
    data: { books: [{ pages: null, kind: null, lines: null }] },
    errors: ['books.0.pages', 'books.0.kind', 'books.0.lines.1'],
  })
})

test('a response name may be of another type for each type of object', async () => {
  const any = [
    { __typename: 'Box', part: { size: 'large' } },
    { __typename: 'Shelf', part: { row: 1 } },
  ]
  const text = '{ any { ... on Shelf { part { row } } ... on Box { part { size } } } }'
  expect(await run(text, { a: { any } })).toEqual({
    data: { any: [{ part: { size: 'large' } }, { part: { row: 1 } }] },
    errors: [],
  })
})

test('null in a list is an error for a type that has no nulls there, unlike its interface', async () => {
  const cells = [{ id: '1' }, null]
  const nodes = ['Item', 'Thing'].map((__typename) => ({ __typename, cells }))
  expect(await run('{ nodes { cells { id } } }', { a: { nodes } })).toEqual({
    data: { nodes: [null, { cells }] },
    errors: ['nodes.0.cells.1'],
  })
})

test('the name of an enum value may have escapes', async () => {
  const books = ['1', '2'].map((id) => ({ __typename: 'Book', id }))
  const b = '{"data":{"_entities":[{"kind":"N\\u004fVEL"},{"kind":"SECR\\u0045T"}]}}'
  expect(await run('{ books { kind } }', { a: { books }, b })).toEqual({
    data: { books: [{ kind: 'NOVEL' }, { kind: null }] },
    errors: ['books.1.kind'],
  })
})

test('the members of an object may come in any order, however many there are', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `n${index}`)
  const members = names.map((name, index) => `"${name.replace('n4', '\\u006e4')}" :"${index}"`)
  const a = `{"data":{"books":[{${[...members, '"unknown":[{}]'].reverse().join()}}]}}`
  const text = `{ books { ${names.map((name) => `${name}: id`).join(' ')} } }`
  expect(await run(text, { a })).toEqual({
    data: { books: [Object.fromEntries(names.map((name, index) => [name, String(index)]))] },
    errors: [],
  })
})
