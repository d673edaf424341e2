import { expect, test } from '@jest/globals'
import { getOperationAST, parse, print } from 'graphql'
import { decideKnownConditions } from '../../../gateway/planning/known-conditions.ts'
import { expandFragments } from '../../../gateway/planning/expand-fragments.ts'
import { operationPlanner } from '../../../gateway/planning/plan-operation.ts'
import { composed, federation } from '../../engine/federations.ts'
import { enginesOf, nativeIsRight } from '../../engine/only-native-is-right.ts'
import { operation } from '../../engine/two-engines.ts'

/** The subgraph `ratings` knows no type but its interface object. */
const titles = federation('titles', {
  staff: `
    type Query { media: [Media] }
    interface Media @key(fields: "id") { id: ID! title: String }
    interface Titled { title: String }
    interface Paged { pages: Int }
    type Book implements Media & Titled & Paged @key(fields: "id") { id: ID! title: String pages: Int }
    type Song implements Media & Titled @key(fields: "id") { id: ID! title: String beats: Int }
  `,
  ratings: `
    type Query { top: [Media] }
    type Media @key(fields: "id") @interfaceObject { id: ID! stars: Int }
  `,
})

test.each([
  ['a fragment on an interface', '{ top { stars ... on Titled { title } } }'],
  ['a fragment that fits one type', '{ top { stars ... on Paged { pages } } }'],
  ['a named fragment', '{ top { id ...F } } fragment F on Titled { title }'],
])('%s that a subgraph with interface objects does not know is planned', async (_, text) => {
  await nativeIsRight(titles, text)
  const { apollo } = await enginesOf(titles)
  await expect(apollo(operation(text))).rejects.toThrow('We should have an edge')
})

test('a fragment that is spread again in the same place adds nothing', () => {
  const { apiSchema } = operationPlanner(composed(titles))
  const rules = { apiSchema, interfaceObjects: new Set<string>() }
  const expand = (text: string) => {
    const document = parse(text)
    const request = { document, operationName: undefined }
    return print(decideKnownConditions(expandFragments(getOperationAST(document)!, rules, request)))
  }
  /** Each fragment spreads the next one twice. */
  const doubling = Array.from(
    { length: 12 },
    (_, index) => `fragment F${index} on Media { ...F${index + 1} ...F${index + 1} }`,
  )
  const text = `{ media { ...F0 } } ${doubling.join(' ')} fragment F12 on Media { id }`
  expect(expand(text)).toBe(expand('{ media { id } }'))
})
