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
