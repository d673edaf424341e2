/** Estimates of the cost of planning: cheap operations are planned on the serving thread. */
import { expect, test } from '@jest/globals'
import { parse } from 'graphql'
import { operationPlanner } from '../../../gateway/planning/plan-operation.ts'
import { planningCost } from '../../../gateway/planning/planning-cost.ts'
import { compose } from '../../support/compose.ts'
import { nestedOperation, sharedNodes } from '../../support/shared-nodes.ts'

const { apiSchema, facts } = operationPlanner(
  compose(sharedNodes('http://nodes.test', { hasOneKey: true })),
)
const estimate = planningCost(apiSchema, facts.sources)
const costOf = (text: string) => estimate(parse(text), undefined)

/** Each fragment spreads the next one twice. */
function doubling(times: number, twice: (spread: string) => string): string {
  const fragments = Array.from(
    { length: times },
    (_, index) => `fragment F${index} on Node { ${twice(`...F${index + 1}`)} }`,
  )
  return `{ node { ...F0 } } ${fragments.join(' ')} fragment F${times} on Node { f0 }`
}

test('fields of a subgraph that the operation needs anyway cost little', () => {
  expect(costOf('{ node { f1 f2 f3 f4 n1 { f2 f3 } } }')).toBeLessThan(50)
})

test('the cost of an operation grows with each level of entities that several subgraphs resolve', () => {
  const costs = [1, 2, 3, 4].map((depth) => costOf(nestedOperation('Nested', depth)))
  for (const [index, cost] of costs.slice(1).entries()) {
    expect(cost).toBeGreaterThan(3 * costs[index]!)
  }
})

test('aliases of a field that several subgraphs resolve are choices, which multiply', () => {
  const aliases = (count: number) =>
    costOf(`{ ${Array.from({ length: count }, (_, index) => `a${index}: node { f0 }`).join(' ')} }`)
  expect(aliases(2)).toBeLessThan(50)
  expect(aliases(10)).toBeGreaterThan(5_000)
})

test('a fragment that is spread again in the same place costs nothing', () => {
  expect(costOf(doubling(12, (spread) => `${spread} ${spread}`))).toBeLessThan(50)
})

test('fragments that double are estimated without being written out', () => {
  const start = performance.now()
  expect(costOf(doubling(500, (spread) => `a: n1 { ${spread} } b: n2 { ${spread} }`))).toBe(
    Infinity,
  )
  expect(performance.now() - start).toBeLessThan(5_000)
})
