import { expect, test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { nativeIsRight } from '../../engine/only-native-is-right.ts'

const chains = federation('chains', {
  middle: `
    type Query { list: [B] }
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  first: `type B @key(fields: "x") { x: ID! value: Int }`,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
  other: `type B @key(fields: "z") { z: ID! value2: Int @external chain2: String @requires(fields: "value2") }`,
  end: `
    type B @key(fields: "x") {
      x: ID! value2: Int @external chain: String @external end: String @requires(fields: "value2 chain")
    }
  `,
})

test.each([
  '{ list { chain } }',
  '{ list { other: value2 chain value2 } }',
  '{ list { chain z chain2 } }',
  '{ list { end value2 chain2 } list { chain } }',
])('what a required field requires is fetched before it: %s', async (text) => {
  const { data } = await nativeIsRight(chains, text)
  expect(JSON.stringify(data)).not.toContain('null')
})

test('a required field is fetched once for all fields that require it', async () => {
  const { calls } = await nativeIsRight(chains, '{ list { chain chain2 } }')
  expect(calls.filter((call) => call.includes('value2'))).toHaveLength(1)
})

const conditions = federation('conditions', {
  first: `type Query { list: [B] } type B @key(fields: "x") { x: ID! value: Int }`,
  middle: `
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
})

test('what a required field requires is fetched, also when the client asks for it under a condition', async () => {
  for (const isSkipped of [true, false]) {
    const text = 'query ($no: Boolean!) { list { chain value2 @skip(if: $no) } }'
    const own = await nativeIsRight(conditions, text, { no: isSkipped })
    expect(JSON.stringify(own.data)).toContain('chain#')
  }
})

test('equal fetches of which one needs the other are planned', async () => {
  const text = 'query ($no: Boolean!) { list { chain chain @skip(if: $no) } list { value2 } }'
  for (const no of [true, false]) await nativeIsRight(conditions, text, { no })
})
