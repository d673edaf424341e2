import { expect, test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { nativeIsRight, onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

const chains = federation('chains', {
  middle: `
    type Query { list: [B] }
    type B @key(fields: "x") @key(fields: "z") {
      x: ID! z: ID! value: Int @external value2: Int @requires(fields: "value")
    }
  `,
  first: `type B @key(fields: "x") { x: ID! value: Int }`,
  last: `type B @key(fields: "z") { z: ID! value2: Int @external chain: String @requires(fields: "value2") }`,
})

test('what a required field requires is fetched, also when all started in its subgraph', async () => {
  await onlyNativeIsRight(chains, '{ list { chain } }')
  await onlyNativeIsRight(chains, '{ list { other: value2 chain value2 } }')
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
    // Entities that have the field already are not fetched again.
    const asking = own.calls.filter((call) => call.startsWith('middle') && call.includes('value2'))
    expect(asking).toHaveLength(1)
  }
})
