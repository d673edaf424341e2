/**
 * What the executor of @apollo/gateway is known to do wrong: it is right here. The faults of its planner
 * have their tests in tests/planning.
 */
import { expect, test } from '@jest/globals'
import { contexts, federation, media } from './federations.ts'
import { enginesOf, onlyNativeIsRight } from './only-native-is-right.ts'
import { operation } from './two-engines.ts'

const hollow = federation('hollow', {
  a: `
    type Query { a: Node product: Product }
    interface Node @key(fields: "id") { id: ID! }
    type Product { id: ID! }
  `,
  b: `
    type Query { b: Node }
    type Node @key(fields: "id") @interfaceObject { id: ID! field: String }
  `,
})

test('a field whose type has no object type is an error when anything under it is selected', async () => {
  const { native, apollo } = await enginesOf(hollow)
  const own = await native(operation('{ a { field } }'))
  expect(own.data).toBeNull()
  expect(own.errors).toMatchObject([{ path: 'a', code: 'UNRESOLVABLE_FIELD' }])
  expect((await apollo(operation('{ a { field } }'))).errors).toEqual([])
})

test('it is an error also when only that part of the plan came out empty', async () => {
  const { native, apollo } = await enginesOf(hollow)
  const own = await native(operation('{ product { id } a { field } }'))
  expect(own.data).toEqual({ product: { id: expect.any(String) }, a: null })
  expect(own.errors).toMatchObject([{ path: 'a' }])
  expect((await apollo(operation('{ product { id } a { field } }'))).errors).toEqual([])
})

test('what an interface object of such a type resolves by itself is in the response', async () => {
  const { native } = await enginesOf(hollow)
  const own = await native(operation('{ b { id field } }'))
  expect(own.errors).toEqual([])
  expect(own.data).toEqual({ b: { id: expect.stringMatching(/^id#/), field: expect.any(String) } })
})

test('an interface object does not take the type from an object', async () => {
  await onlyNativeIsRight(media, '{ book { __typename one: label label two: label title } }')
})

test('@fromContext gives each entity the value of its own context', async () => {
  const { native } = await enginesOf(contexts)
  const response = await native(operation('{ readers { locale texts { id text remote } } }'))
  expect(response.errors).toEqual([])
  const { readers } = response.data as {
    readers: { locale: string; texts: { id: string; text: string; remote: string }[] }[]
  }
  expect(readers.flatMap(({ texts }) => texts).length).toBeGreaterThan(2)
  for (const { locale, texts } of readers) {
    const number = locale.split('#')[1]!
    for (const { text, remote } of texts) {
      expect(text).toContain(`{"locale":"${locale}"}`)
      expect(remote).toContain(`{"far":"far#${number}"}`)
    }
  }
})
