/** Over HTTP, with every form of literal: tests/gateway/subgraph-responses.long.test.ts. */
import { expect, test } from '@jest/globals'
import { parse, stripIgnoredCharacters } from 'graphql'
import { operationPlanner } from '../../../gateway/planning/plan-operation.ts'
import { composed, federation } from '../../engine/federations.ts'

const payments = federation('payments', {
  pay: `scalar Json type Query { pay(amount: Json, price: Float, kind: Kind): String } enum Kind { CARD }`,
})
const planner = operationPlanner(composed(payments))

test.each([
  'amount:9007199254740993',
  'amount:0.10',
  'amount:-1e3',
  'amount:RED',
  'amount:{a:[0.10,RED],b:"_literal0_1"}',
  'price:1.50,kind:CARD,amount:1.0',
])('a literal of a custom scalar reaches the subgraph as it was written: %s', (given) => {
  const document = parse(`{ pay(${given}) }`)
  const { node } = planner.plan({ document, operationName: undefined })
  const { operation } = node as { operation: string }
  // A literal of a built-in scalar is a value for the planner.
  const written = stripIgnoredCharacters(`{pay(${given.replace('1.50', '1.5')})}`)
  expect(stripIgnoredCharacters(operation)).toBe(written)
})
