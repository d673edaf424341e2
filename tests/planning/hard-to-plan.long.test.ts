/** Operations that would be hard to plan are planned with fewer alternatives, and the responses are right. */
import { afterAll, expect, test } from '@jest/globals'
import { planningCost } from '../../gateway/planning/planning-cost.ts'
import { operationPlanner } from '../../gateway/planning/plan-operation.ts'
import { nestedOperation, sharedNodes } from '../support/shared-nodes.ts'
import { composed, federation } from '../engine/federations.ts'
import type { Federation } from '../engine/federations.ts'
import { randomOperation } from '../engine/random-operation.ts'
import { operation, twoEngines } from '../engine/two-engines.ts'
import type { TwoEngines } from '../engine/two-engines.ts'

/** Each subgraph lacks some fields, and has some of its own kind. */
const crowd = federation(
  'crowd',
  Object.fromEntries(
    Array.from({ length: 5 }, (_, lacking) => {
      const fields = Array.from({ length: 5 }, (_, index) => index)
        .filter((index) => index !== lacking)
        .map((index) => `n${index}: Node @shareable f${index}: String @shareable`)
      return [
        `s${lacking}`,
        `type Node implements Any @key(fields: "id") ${lacking === 4 ? '@key(fields: "name")' : ''} {
          id: ID!
          ${fields.join(' ')}
          ${lacking < 3 ? 'any: [Any] @shareable' : ''}
          ${lacking > 1 ? 'box: Box @shareable' : ''}
          ${lacking === 0 ? 'f0: String @external total: String @requires(fields: "f0")' : ''}
          ${lacking === 4 ? 'name: String' : ''}
        }
        interface Any { id: ID! ${lacking === 0 ? '' : 'f0: String'} }
        type Leaf implements Any @key(fields: "id") {
          id: ID! f0: String @shareable ${lacking > 2 ? 'node: Node @shareable' : ''}
        }
        ${lacking > 1 ? `type Box { text: String @shareable ${lacking > 2 ? 'node: Node @shareable' : ''} }` : ''}
        ${lacking < 2 ? 'type Query { node: Node @shareable nodes: [Node] @shareable }' : ''}`,
      ] as const
    }),
  ),
)

const running: TwoEngines[] = []
afterAll(() => Promise.all(running.map((engines) => engines.stop())))

/** On a busy machine, planning takes longer than a client would wait. */
async function start(federation: Federation): Promise<TwoEngines> {
  const engines = await twoEngines(federation, { planningTime: 20_000 })
  running.push(engines)
  return engines
}

test('random operations that are hard to plan get the right response', async () => {
  const { apiSchema, native, truth } = await start(crowd)
  const { facts } = operationPlanner(composed(crowd))
  const costOf = planningCost(apiSchema, facts.sources)
  let hard = 0
  for (let seed = 1; hard < 15 && seed < 1_000; seed++) {
    const { text, document, variables } = randomOperation(apiSchema, { seed, size: 60 })
    const cost = costOf(document, undefined)
    // The hardest take half a minute: a gateway refuses them.
    if (cost < 3_000 || cost > 100_000) continue
    hard++
    const [response, wanted] = await Promise.all([
      native({ document, variables }),
      truth({ document, variables }),
    ])
    expect({ text, data: response.data }).toEqual({ text, data: wanted.data })
  }
  expect(hard).toBe(15)
})

test('an operation with a field at 256 places, each of which many paths lead to, is executed', async () => {
  const subgraphs = sharedNodes('http://nodes.test', { hasOneKey: true })
  const { native, truth } = await start({ name: 'shared nodes', subgraphs })
  const asked = operation(nestedOperation('Nested', 8))
  const [response, wanted] = await Promise.all([native(asked), truth(asked)])
  expect(response.errors).toEqual([])
  expect(response.data).toEqual(wanted.data)
  expect(response.calls.length).toBeLessThan(20)
})
