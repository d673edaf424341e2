import { describe, expect, test } from '@jest/globals'
import { getOperationAST, parse } from 'graphql'
import { limitsSchema } from '../../gateway/configuration/limits.ts'
import { exceededLimits, tooLarge } from '../../gateway/operations/limit-operation.ts'
import { measureOperation } from '../../gateway/operations/measure-operation.ts'
import { limitLog } from '../../gateway/supergraph/limit-log.ts'
import { recordedLog } from '../support/recorded-log.ts'

function sizeOf(text: string) {
  const document = parse(text)
  return measureOperation(document, getOperationAST(document)!)
}

describe('an operation is measured with its fragments expanded', () => {
  test('a field, an alias and a directive count wherever their fragment is spread', () => {
    const text = `query ($a: Boolean! @deprecated) @live {
      one: user { ...U @include(if: $a) }
      two: user { ... @skip(if: $a) { ...U } }
    }
    fragment U on User { id nick: name friends { id } }`
    expect(sizeOf(text)).toEqual({
      tokens: 61,
      depth: 3,
      selections: 13,
      aliases: 4,
      root_fields: 2,
      directives: 4,
      height: 9,
    })
  })

  // https://www.apollographql.com/docs/graphos/routing/security/request-limits
  test("the examples in Apollo's documentation have the documented values", () => {
    const book = `query { book { ...D } }
      fragment D on Book { details { ... on ProductDetailsBook { country } } }`
    expect(sizeOf(book).depth).toBe(3)
    expect(sizeOf('{ user { id name username: name } }').height).toBe(3)
    expect(sizeOf('{ user { nickname: name username: name handle: name } }').aliases).toBe(3)
    expect(sizeOf('{ books { id } movies { id } games { id } }').root_fields).toBe(3)
  })

  test('a root field counts each time, in fragments as well', () => {
    const text = '{ a { b } a { c } ...F ...F } fragment F on Query { x: a { b } ... { a { c } } }'
    expect(sizeOf(text)).toMatchObject({ root_fields: 6, height: 11, aliases: 2 })
  })

  test('a document that expands to 2^60 fields takes no time', () => {
    const fragments = Array.from(
      { length: 60 },
      (_, n) => `fragment F${n} on A { x: a { ...F${n + 1} } y: a { ...F${n + 1} } }`,
    )
    const size = sizeOf(`{ a { ...F0 } } ${fragments.join(' ')} fragment F60 on A { id }`)
    expect(size.aliases).toBe(2 ** 61 - 2)
    expect(size.depth).toBe(62)
  })
})

describe('limits that are measured', () => {
  test('of what protects the gateway itself, the defaults are enforced', () => {
    const { tokens, depth, selections, operation } = limitsSchema.parse({
      ...{ tokens: 500, depth: 300, selections: 100, aliases: 5 },
      measure: ['tokens', 'depth'],
    })
    expect({ tokens, depth, selections }).toEqual({ tokens: 10_000, depth: 300, selections: 100 })
    expect(operation.most).toEqual({ tokens: 500, depth: 300, aliases: 5 })
    expect(operation.measured).toEqual(new Set(['tokens', 'depth']))
  })

  test('one that has no value is a problem', () => {
    const { error } = limitsSchema.safeParse({ measure: ['depth', 'aliases', 'variables_size'] })
    expect(error?.issues.map(({ path, message }) => [path, message])).toEqual([
      [['measure', 1], 'is not limited: set limits.aliases as well'],
      [['measure', 2], 'is not limited: set limits.variables_size as well'],
    ])
  })

  test('nothing is measured where nothing is limited', () => {
    expect(limitsSchema.parse({}).operation.most).toEqual({})
    expect(limitsSchema.parse({}).cost).toBeUndefined()
  })
})

describe('variables', () => {
  const limits = exceededLimits({
    most: { variables_depth: 1, variables_size: 20 },
    measured: new Set(['variables_size']),
  })

  test.each<[Record<string, unknown>, string[]]>([
    [{}, []],
    [{ a: 1, b: 'x' }, []],
    [{ a: [1, 2] }, []],
    [{ a: [[1]] }, ['variables_depth']],
    [{ a: 'é'.repeat(7) }, ['variables_size']],
    [{ a: [{ b: [] }], long: 'text' }, ['variables_depth', 'variables_size']],
  ])('%j', (variables, expected) => {
    expect(limits.ofVariables(variables).map(({ limit }) => limit)).toEqual(expected)
  })
})

test('an error names the limit, the value and the maximum', () => {
  const document = parse('{ a: x b: x c: x }')
  const limits = exceededLimits({ most: { aliases: 2, root_fields: 3 }, measured: new Set() })
  const exceeded = limits.ofOperation(document, getOperationAST(document)!)
  expect(exceeded).toEqual([{ limit: 'aliases', value: 3, max: 2, mode: 'enforce' }])
  expect(tooLarge(exceeded[0]!).errors).toEqual([
    {
      message:
        'The operation has 3 aliases, with its fragments expanded, but at most 2 are allowed: send a smaller one, or several',
      extensions: {
        code: 'OPERATION_TOO_LARGE',
        reason: 'OPERATION_TOO_LARGE',
        limit: 'aliases',
        value: 3,
        max: 2,
      },
    },
  ])
})

test('the log has a line for each operation and measured limit, and at most 20 in a minute', () => {
  const { log, lines: texts } = recordedLog()
  const lines = () => texts.map((text) => JSON.parse(text) as Record<string, unknown>)
  let now = 0
  const report = limitLog(log, () => now)
  const operation = getOperationAST(parse('query Named { a }'))!
  const exceeded = { limit: 'aliases', value: 3, max: 2, mode: 'measure' } as const
  report(exceeded, operation)
  report(exceeded, operation)
  report({ ...exceeded, limit: 'cost' }, operation)
  report({ ...exceeded, mode: 'enforce', limit: 'depth' }, operation)
  expect(lines().map(({ limit, operationName }) => [limit, operationName])).toEqual([
    ['aliases', 'Named'],
    ['cost', 'Named'],
  ])
  for (let more = 0; more < 50; more++) report(exceeded, getOperationAST(parse('{ a }'))!)
  expect(lines()).toHaveLength(20)
  now = 60_000
  report(exceeded, getOperationAST(parse('{ a }'))!)
  expect(lines().at(-1)).toMatchObject({ omitted: 32 })
  report(exceeded, getOperationAST(parse(`query ${'N'.repeat(50_000)} { a }`))!)
  expect(lines().at(-1)).toMatchObject({ operationName: 'N'.repeat(100) })
})
