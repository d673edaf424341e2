import { expect, test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { enginesOf, nativeIsRight } from '../../engine/only-native-is-right.ts'
import { operation } from '../../engine/two-engines.ts'

const stock = federation('stock', {
  products: `
    type Query { best: Product }
    type Product @key(fields: "upc") { upc: ID! name: String }
  `,
  stock: `type Product @key(fields: "upc") { upc: ID! count: Int }`,
})

test('fields under conditions that exclude each other are not fetched, nor what leads to them', async () => {
  const text = `query ($on: Boolean!) {
    best { name ... @include(if: $on) { ... @skip(if: $on) { count } } }
  }`
  for (const on of [true, false]) {
    const { calls } = await nativeIsRight(stock, text, { on })
    expect(calls).toHaveLength(1)
    expect(calls[0]).not.toContain('upc')
  }
  const { apollo } = await enginesOf(stock)
  expect((await apollo(operation(text, { on: true }))).calls.join()).toContain('upc')
})

test('a condition is decided by the same condition above it', async () => {
  const text = `query ($on: Boolean!) {
    best { ... @include(if: $on) { name @include(if: $on) count @skip(if: $on) } }
  }`
  const { calls } = await nativeIsRight(stock, text, { on: true })
  expect(calls).toHaveLength(1)
  expect(calls[0]!.match(/\$on/g)).toHaveLength(2)
})

test('a selection that is never included is not fetched', async () => {
  const text = '{ best { name count @include(if: false) ... @skip(if: true) { count } } }'
  const { calls } = await nativeIsRight(stock, text)
  expect(calls).toHaveLength(1)
})
