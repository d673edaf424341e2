/** Whether the events of one stream have what another one would have. */
import { expect, test } from '@jest/globals'
import { isContained } from '../../gateway/supergraph/contained-request.ts'

const all = 'subscription($id:ID){changed(id:$id){__typename id name ...on Book{pages} cost:price}}'
const request = (query: string, variables: object = { id: '1' }) =>
  JSON.stringify({ query, variables })

test.each([
  ['the same', all, true],
  ['fewer fields', 'subscription($id:ID){changed(id:$id){id}}', true],
  ['other order', 'subscription($id:ID){changed(id:$id){name id}}', true],
  ['a fragment', 'subscription($id:ID){changed(id:$id){...on Book{pages}}}', true],
  ['another field', 'subscription($id:ID){changed(id:$id){id secret}}', false],
  ['another alias', 'subscription($id:ID){changed(id:$id){price}}', false],
  ['another argument', 'subscription($id:ID){changed(id:"1"){id}}', false],
  ['a condition', 'subscription($id:ID,$on:Boolean!){changed(id:$id){id @include(if:$on)}}', false],
  ['another type', 'subscription($id:ID){changed(id:$id){...on Toy{pages}}}', false],
  ['a named fragment', 'subscription($id:ID){changed(id:$id){...F}} fragment F on Book{id}', false],
])('%s', (_name, query, expected) => {
  expect(isContained(request(query), request(all))).toBe(expected)
})

test('another value of a variable is another request', () => {
  expect(isContained(request(all, { id: '2' }), request(all))).toBe(false)
  expect(isContained(request(all, {}), request(all))).toBe(true)
})
