import { test } from '@jest/globals'
import { media } from '../../engine/federations.ts'
import { onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

test('what is required for some types of an interface object leaves the other types alone', async () => {
  await onlyNativeIsRight(media, '{ media { ... on Song { label } stars } }')
})
