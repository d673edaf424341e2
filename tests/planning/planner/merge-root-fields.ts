import { expect, test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { enginesOf, nativeIsRight } from '../../engine/only-native-is-right.ts'
import { operation } from '../../engine/two-engines.ts'

const sales = federation('sales', {
  products: `
    type Query { best: Product }
    type Mutation { buy(upc: ID!): Product pay: Int }
    type Product @key(fields: "upc") { upc: ID! name: String }
  `,
  stock: `type Mutation { refill: Int }`,
})

test('a mutation that is selected twice under different conditions is carried out once', async () => {
  const text = `mutation ($yes: Boolean!) {
    buy(upc: "upc#1") @include(if: $yes) { name } refill pay buy(upc: "upc#1") { upc }
  }`
  const timesBought = (calls: readonly string[]) => calls.join().match(/buy/g)!.length
  const { calls } = await nativeIsRight(sales, text, { yes: true })
  expect(timesBought(calls)).toBe(1)
  const { apollo } = await enginesOf(sales)
  expect(timesBought((await apollo(operation(text, { yes: true }))).calls)).toBe(2)
})

test('conditions of a mutation and of the fragments around it may be of one kind', async () => {
  const text = `mutation ($no: Boolean!, $never: Boolean!) {
    ... @skip(if: $no) { buy(upc: "upc#1") @skip(if: $never) { name } }
    refill
    buy(upc: "upc#1") @include(if: $no) { upc }
  }`
  for (const no of [true, false]) {
    const { calls } = await nativeIsRight(sales, text, { no, never: false })
    expect(calls.filter((call) => call.includes('buy'))).toHaveLength(1)
  }
})

test('the first selection that is included says when a mutation is carried out', async () => {
  const text = `mutation ($a: Boolean!, $b: Boolean = false, $c: Boolean!) {
    buy(upc: "upc#1") @include(if: $a) { name } refill
    buy(upc: "upc#1") @skip(if: $b) { upc } pay
    buy(upc: "upc#1") @include(if: $c) { name }
  }`
  for (const [a, b, c] of [1, 2, 3, 4, 5, 6, 7, 8].map((n) => [n & 1, n & 2, n & 4].map(Boolean))) {
    await nativeIsRight(sales, text, { a, b, c })
  }
})
