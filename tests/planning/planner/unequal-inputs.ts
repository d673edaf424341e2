import { test } from '@jest/globals'
import { media, values } from '../../engine/federations.ts'
import { nativeIsRight, onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

test('what is required for some types of an interface object leaves the other types alone', async () => {
  await onlyNativeIsRight(media, '{ media { ... on Song { label } stars } }')
})

test.each([
  '{ parts { item { shape summary @include(if: $no) } } }',
  '{ parts { item { shape ... on Item @include(if: $no) { shape summary mood } } } }',
  '{ items { summary @skip(if: $no) shape } }',
])(
  'an input inside another one may have the name of what another field requires: %s',
  async (set) => {
    for (const no of [false, true]) {
      await nativeIsRight(values, `query ($no: Boolean!) ${set}`, { no })
    }
  },
)
