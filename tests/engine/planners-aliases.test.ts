/**
 * Where a field has another type for each type of object, such as `Part` and `Part!`, the planner gives it
 * aliases. It may select several of them of one object: together they are the value of the field.
 */
import { expect, test } from '@jest/globals'
import { parse, validate } from 'graphql'
import { values } from './federations.ts'
import { enginesOf, nativeIsRight } from './only-native-is-right.ts'

/** What is selected of a Node, and, of the same object, of each type of Node that is in the union Any. */
const selections: Readonly<Record<string, readonly [node: string, types: string]>> = {
  objects: ['part { score }', 'part { tone }'],
  'the same twice': ['part { score text }', 'part { score text }'],
  'objects below them, of which one selects all': [
    'part { other { score tone } }',
    'part { other { score } note }',
  ],
  'lists below them': [
    'part { ticks item { related { id strict } } }',
    'part { item { related { mood id } flags } }',
  ],
  'leaves below them': ['part { one: text two: note }', 'part { one: text two: note mood }'],
  'what another subgraph needs': ['part { item { id } }', 'part { item { summary shape } }'],
  'what another subgraph needs of one type': ['id', 'part { item { summary shape count } }'],
  'what two subgraphs bring': ['part { item { count mood } }', 'part { item { summary strict } }'],
  'under other names': ['six: part { one: score }', 'six: part { two: tone }'],
}

test.each(Object.entries(selections))(
  'several aliases of a field are one value: %s',
  async (_, [node, types]) => {
    const set = `${node} ... on Any { ... on Node { ${types} } }`
    const text = `{ nodes { ${set} } node { ${set} } }`
    const { apiSchema } = await enginesOf(values)
    expect(validate(apiSchema, parse(text))).toEqual([])
    const { calls } = await nativeIsRight(values, text)
    expect(calls.join()).toMatch(/__alias_/)
  },
)
