/** More data than there is room for is a fault of the subgraph that sent it, wherever it shows. */
import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { GatewayError } from '../../gateway/errors.ts'
import { deduplicatedRequests } from '../../gateway/execution/deduplicate-requests.ts'
import type { DataLimits } from '../../gateway/execution/fetched-data.ts'
import type { FetchSubgraph } from '../../gateway/execution/subgraph-request.ts'
import { nativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import type { NativeExecutor } from '../../gateway/supergraph/native-executor.ts'
import { answered, invalid, parsed } from '../support/response-bytes.ts'
import { composed, federation } from './federations.ts'

const shop = composed(
  federation('shop', {
    products: `
      type Query { best: Product products: [Product!] }
      type Product @key(fields: "upc") { upc: ID! }
    `,
    stock: `
      type Query { stock: Stock }
      type Stock { value: Int }
      type Product @key(fields: "upc") { upc: ID! shelf: Shelf notes: String }
      type Shelf @context(name: "shelf") { row: String! boxes: [Box!] }
      type Box @key(fields: "id") {
        id: ID! label(row: String @fromContext(field: "$shelf { row }")): String
      }
    `,
  }),
)

interface Context {
  /** The products of the list; the first is the best as well. */
  readonly upcs: readonly number[]
}

const fetchSubgraph: FetchSubgraph<Context> = async (subgraph, request, { upcs }) => {
  const { variables } = JSON.parse(request.body) as {
    variables: Record<string, { upc?: string; id?: string }[]>
  }
  const entity = ({ upc, id }: { upc?: string; id?: string }) =>
    upc === undefined
      ? { __typename: 'Box', label: `label ${id}` }
      : { __typename: 'Product', notes, shelf: { row: '7', boxes: [box(1), box(2), box(3)] } }
  const entities = Object.entries(variables).map(([name, list]) => [
    name.replace('_representations', '_e').replace('representations', '_entities'),
    Array.isArray(list) ? list.map(entity) : undefined,
  ])
  const products = upcs.map((upc) => ({ __typename: 'Product', upc: String(upc) }))
  const data =
    subgraph === 'products' ? { best: products[0], products } : Object.fromEntries(entities)
  try {
    return answered(request, data)
  } catch (cause) {
    if (cause instanceof GatewayError) return invalid
    throw cause
  }
}

/** Returns an executor with so much room. */
function executorWith(limits: DataLimits, mayBatch = true) {
  return nativeExecutor<Context>({
    supergraphSdl: shop,
    fetchSubgraph: deduplicatedRequests(fetchSubgraph, (context) => context),
    mayBatch: () => mayBatch,
    dataLimits: limits,
  })
}

async function run(engine: NativeExecutor<Context>, text: string, upcs: readonly number[]) {
  const { data, errors } = await engine.execute({ document: parse(text), context: { upcs } })
  return { data: parsed(data), errors }
}

const notes = 'x'.repeat(100)
const box = (id: number) => ({ __typename: 'Box', id: String(id) })
const enough = { bytes: 1_000_000, tape: 1_000_000 }

test.each([true, false])(
  'a response that is read again, but has no room then, failed (batching: %s)',
  async (mayBatch) => {
    const text = '{ best { upc notes } products { notes } }'
    const complete = await run(await executorWith(enough, mayBatch), text, [1])
    expect(complete.data).toEqual({ best: { upc: '1', notes }, products: [{ notes }] })
    const little = await run(await executorWith({ ...enough, bytes: 500 }, mayBatch), text, [1])
    expect(JSON.stringify(little.data).split(notes)).toHaveLength(2)
    expect(little.errors).toMatchObject([{ extensions: { code: 'SUBGRAPH_RESPONSE_INVALID' } }])
  },
)

const twoPlaces = '{ products { notes shelf { row boxes { id } } } best { notes shelf { row } } }'
const inContexts = '{ products { upc shelf { row boxes { label } } } }'

test.each([
  [twoPlaces, true],
  [twoPlaces, false],
  [inContexts, true],
])('wherever there is no more room for objects, a fetch has failed: %s', async (text, mayBatch) => {
  const engine = await executorWith({ ...enough, tape: 1024 }, mayBatch)
  let failed = 0
  for (let count = 1; count < 60; count++) {
    const upcs = Array.from({ length: count }, (_, index) => index % 20)
    const { data, errors } = await run(engine, text, upcs)
    if (errors.length === 0) continue
    failed++
    for (const { extensions } of errors) expect(extensions.code).toBe('SUBGRAPH_RESPONSE_INVALID')
    expect(JSON.stringify(data)).toContain('null')
  }
  expect(failed).toBeGreaterThan(10)
})
