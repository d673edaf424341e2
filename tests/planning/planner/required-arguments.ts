import { test } from '@jest/globals'
import { federation } from '../../engine/federations.ts'
import { onlyNativeIsRight } from '../../engine/only-native-is-right.ts'

const posts = federation('posts', {
  feed: `type Query { feed: [Post] } type Post @key(fields: "id") { id: ID! }`,
  authors: `
    type Post @key(fields: "id") {
      id: ID!
      author: String @requires(fields: "comments(limit: 3) { authorId }")
      comments(limit: Int!): [Comment]
    }
    type Comment @key(fields: "id") { id: ID! authorId: ID @external }
  `,
  comments: `type Comment @key(fields: "id") { id: ID! authorId: ID text: String }`,
})

test('the arguments of a required field and those of the client do not mix', async () => {
  await onlyNativeIsRight(posts, '{ feed { author comments(limit: 1) { id } } }')
  await onlyNativeIsRight(posts, '{ feed { comments(limit: 2) { text } author } }')
})
