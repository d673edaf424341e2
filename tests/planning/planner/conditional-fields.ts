import { expect, test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { enginesOf } from '../../engine/only-native-is-right.ts'
import { operation } from '../../engine/two-engines.ts'

const touched = federation('touched', {
  a: `type Query { x: Int } type Mutation { touch: Touched! } type Touched { at: String }`,
  b: `type Query { y: Int } type Mutation { other: Int }`,
})

test('a mutation whose result has only fields that are left out is carried out', async () => {
  const { native } = await enginesOf(touched)
  const text = 'mutation ($on: Boolean!) { touch @include(if: $on) { at @skip(if: $on) } }'
  const response = await native(operation(text, { on: true }))
  expect(response).toMatchObject({ data: { touch: {} }, errors: [] })
  expect(response.calls).toHaveLength(1)
})
