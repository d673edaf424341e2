import { test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

const keys = federation('keys', {
  names: `type A @key(fields: "id") { id: ID! pid: ID! @shareable name: String }`,
  lists: `
    type Query { list: [A] }
    type A @key(fields: "pid", resolvable: false) @key(fields: "id") {
      id: ID! pid: ID! name: String @external nameInB: String @requires(fields: "name")
    }
  `,
})

test('@requires re-enters a subgraph through a key that it resolves, whichever key comes first', async () => {
  await onlyNativeIsRight(keys, '{ list { nameInB } }')
})
