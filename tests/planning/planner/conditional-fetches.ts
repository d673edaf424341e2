import { expect, test } from '@jest/globals'
import { federation, mesh } from '../../engine/federations.ts'
import { nativeIsRight } from '../../engine/only-native-is-right.ts'

const chains = federation('chains under conditions', {
  first: `type Query { one: B } type B @key(fields: "x") { x: ID! value: Int }`,
  middle: `
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
  end: `
    type B @key(fields: "x") {
      x: ID! value2: Int @external chain: String @external end: String @requires(fields: "value2 chain")
    }
  `,
})

test.each([
  'query ($on: Boolean = false) { one { chain @include(if: $on) end } }',
  'query ($on: Boolean = false) { one { chain @include(if: $on) ... on B { end } } }',
  'query ($on: Boolean = false) { one { ... @include(if: $on) { end chain } chain value2 @skip(if: $on) } }',
  'query ($on: Boolean = false) { one @include(if: $on) { value2 end } one { end } }',
  'query ($on: Boolean = false) { one @include(if: $on) { ...F } one { ...F @skip(if: $on) z } } fragment F on B { end }',
])('a field with a condition does not take another with it: %s', async (text) => {
  for (const on of [undefined, true, false]) {
    const { data } = await nativeIsRight(chains, text, on === undefined ? {} : { on })
    expect(JSON.stringify(data)).not.toContain('null')
  }
})

test('a field under a condition and without one has what it requires', async () => {
  const text = `query ($no: Boolean = true) { bs @skip(if: $no) { chain } bs { chain } }`
  for (const no of [true, false]) {
    const { data } = await nativeIsRight(mesh, text, { no })
    expect(JSON.stringify(data)).not.toContain('null')
  }
})

test('a fetch under a condition that does not hold is not sent', async () => {
  const text = 'query ($on: Boolean!) { one { x end @include(if: $on) } }'
  const { calls } = await nativeIsRight(chains, text, { on: false })
  expect(calls).toHaveLength(1)
  expect((await nativeIsRight(chains, text, { on: true })).calls.length).toBeGreaterThan(3)
})
