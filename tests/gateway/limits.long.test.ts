/** Operations that are too large or cost too much, over real HTTP: what SECURITY.md and docs/limits.md say of them. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getIntrospectionQuery } from 'graphql'
import { snippets } from '../documentation/pages.ts'
import { openFrontDoor } from '../support/front-door.ts'
import type { FrontDoor, Response } from '../support/front-door.ts'

const sdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@cost", "@listSize", "@requiresScopes"]
    )
  type Query {
    books(first: Int = 3): [Book] @listSize(slicingArguments: ["first"])
    bestsellers: [Book] @listSize(assumedSize: 5)
    either(first: Int, last: Int): [Book] @listSize(slicingArguments: ["first", "last"])
    secret: Book @requiresScopes(scopes: [["secrets"]]) @cost(weight: 900)
    echo(value: Input): Int
  }
  type Mutation {
    login(password: String): Int
  }
  type Subscription {
    added: Book @cost(weight: 5000)
  }
  type Book {
    title: String
    author: Author
    publisher: Publisher
    similar(first: Int): [Book] @listSize(slicingArguments: ["first"])
  }
  type Author {
    name: String
  }
  type Publisher {
    address: Address
  }
  type Address @cost(weight: 5) {
    zipCode: Int
  }
  input Input {
    text: String
    inner: Input
  }
`
let resolved = 0
const book = () => {
  resolved++
  return { title: 'title', author: { name: 'name' }, publisher: { address: { zipCode: 1 } } }
}
const resolvers = {
  Query: {
    books: (_: unknown, { first }: { first: number }) => Array.from({ length: first }, book),
    bestsellers: () => [book()],
    either: () => [],
    secret: book,
    echo: () => 1,
  },
  Mutation: { login: () => resolved++ },
  Book: { similar: () => [book()] },
}

const cost = 'cost: { max: 30, by_scope: { partner: 5000, batch: 100000, trial: 5 } }'
const gateways = {
  limited: `limits:
  { aliases: 2, root_fields: 3, directives: 4, height: 20, variables_depth: 2, variables_size: 200B }`,
  costs: `limits: { ${cost} }`,
  apollo: `engine: apollo\nlimits: { aliases: 2, ${cost} }`,
  measured: `metrics: { port: 0 }
limits: { depth: 5, aliases: 2, measure: [depth, aliases], cost: { max: 30, mode: measure } }`,
  usual: '',
  logins: 'limits: { credential_fields: [Mutation.login] }',
  hidden: 'authorization: { introspection: refuse }',
}
let door: FrontDoor

beforeAll(async () => {
  door = await openFrontDoor({ sdl, resolvers, gateways })
})
afterAll(() => door?.close())

const whole = 'title author { name } publisher { address { zipCode } }'

/** Returns the only error of a response that executes nothing. */
function refusal({ status, body }: Response) {
  expect(status).toBe(400)
  expect(body.data).toBeUndefined()
  expect(body.errors).toHaveLength(1)
  return body.errors![0]!
}

const [tooLarge, tooExpensive] = snippets('docs/limits.md', 'json').map(
  ({ text }) => JSON.parse(text) as Record<string, unknown>,
)

describe('limits', () => {
  test('the response of docs/limits.md is what a client gets', async () => {
    const query = '{ a: bestsellers { title } b: bestsellers { title } c: bestsellers { title } }'
    for (const gateway of ['limited', 'apollo']) {
      const response = await door.post(gateway, { query })
      expect([response.status, response.body]).toEqual([400, tooLarge])
    }
  })

  test.each<[string, Record<string, unknown>, number, number]>([
    ['aliases', { query: '{ ...F } fragment F on Query { a: echo b: echo c: echo }' }, 3, 2],
    ['root_fields', { query: '{ echo echo echo echo }' }, 4, 3],
    [
      'directives',
      { query: `{ ${'... @include(if: true) { '.repeat(5)} echo ${'}'.repeat(5)} }` },
      5,
      4,
    ],
    [
      'height',
      {
        query: `{ books { ...B similar(first: 1) { ...B similar(first: 1) { ...B similar(first: 1) { ...B } } } } }
          fragment B on Book { title author { name } publisher { address { zipCode } } }`,
      },
      28,
      20,
    ],
    [
      'variables_depth',
      {
        query: 'query ($i: Input) { echo(value: $i) }',
        variables: { i: { inner: { inner: { text: '' } } } },
      },
      3,
      2,
    ],
    [
      'variables_size',
      {
        query: 'query ($i: Input) { echo(value: $i) }',
        variables: { i: { text: 'é'.repeat(100) } },
      },
      217,
      200,
    ],
  ])('%s: the error says the value and the maximum', async (limit, body, value, max) => {
    for (const _again of [1, 2]) {
      const { message, extensions } = refusal(await door.post('limited', body))
      expect(extensions).toEqual({
        code: 'OPERATION_TOO_LARGE',
        reason: 'OPERATION_TOO_LARGE',
        limit,
        value,
        max,
      })
      expect(message).toContain(`${value} `)
    }
  })

  test('an operation within the limits is executed, also in a document that has a larger one', async () => {
    const query = 'query Small { a: echo } query Large { a: echo b: echo c: echo }'
    const small = await door.post('limited', { query, operationName: 'Small' })
    expect(small.body).toEqual({ data: { a: 1 } })
    const large = await door.post('limited', { query, operationName: 'Large' })
    expect(refusal(large).extensions.limit).toBe('aliases')
    const variables = { i: { inner: { text: 'x' } } }
    const nested = { query: 'query ($i: Input) { echo(value: $i) }', variables }
    expect((await door.post('limited', nested)).body).toEqual({ data: { echo: 1 } })
  })
})

describe('cost', () => {
  test('the response of docs/limits.md is what a client gets', async () => {
    const before = resolved
    for (const gateway of ['costs', 'apollo']) {
      const response = await door.post(gateway, { query: `{ bestsellers { ${whole} } }` })
      expect([response.status, response.body]).toEqual([400, tooExpensive])
    }
    expect(resolved).toBe(before)
  })

  test.each(['costs', 'apollo'])('a scope is a budget: %s', async (gateway) => {
    const ask = async (cost: number, scope: string) => {
      const body = { query: `{ books(first: ${cost}) { title } }`, extensions: { cost: true } }
      const response = await door.post(gateway, body, await door.caller(scope))
      return response.body.errors?.[0]!.extensions.cost ?? extensionsOf(response).cost
    }
    expect(await ask(30, '')).toEqual({ estimated: 30, max: 30 })
    expect(await ask(31, 'other')).toEqual({ estimated: 31, max: 30 })
    expect(await ask(31, 'partner')).toEqual({ estimated: 31, max: 5000 })
    expect(await ask(31, 'partner batch')).toEqual({ estimated: 31, max: 100000 })
    expect(await ask(5, 'trial')).toEqual({ estimated: 5, max: 5 })
    const query = '{ books(first: 6) { title } }'
    const trial = await door.post(gateway, { query }, await door.caller('trial'))
    expect(refusal(trial).extensions.cost).toEqual({ estimated: 6, max: 5 })
    expect((await door.post(gateway, { query }, await door.caller('partner'))).status).toBe(200)
  })

  test('what the caller may not see costs nothing', async () => {
    const body = { query: '{ secret { title } bestsellers { title } }', extensions: { cost: true } }
    const anonymous = await door.post('costs', body)
    expect(anonymous.body.data).toMatchObject({ secret: null, bestsellers: [{ title: 'title' }] })
    expect(extensionsOf(anonymous).cost).toEqual({ estimated: 5, max: 30 })
    const seeing = await door.post('costs', body, await door.caller('secrets'))
    expect(refusal(seeing).extensions.cost).toEqual({ estimated: 905, max: 30 })
    const partner = await door.post('costs', body, await door.caller('secrets partner'))
    expect(extensionsOf(partner).cost).toEqual({ estimated: 905, max: 5000 })
    const nothing = await door.post('costs', { ...body, query: '{ secret { title } }' })
    expect(extensionsOf(nothing).cost).toEqual({ estimated: 0, max: 30 })
  })

  test('it is not in a response that does not ask for it', async () => {
    for (const extensions of [undefined, {}, { cost: 'true' }, { cost: { max: 1e9 } }]) {
      const { body } = await door.post('costs', { query: '{ bestsellers { title } }', extensions })
      expect(Object.keys(body)).toEqual(['data'])
    }
  })

  test('variables decide, with their defaults', async () => {
    const query = 'query ($n: Int = 31) { books(first: $n) { title } }'
    const costFor = async (variables?: object) =>
      (await door.post('costs', { query, variables })).body.errors?.[0]!.extensions.cost
    expect(await costFor()).toEqual({ estimated: 31, max: 30 })
    expect(await costFor({ n: 2147483647 })).toEqual({ estimated: 2147483647, max: 30 })
    expect(await costFor({ n: 30 })).toBeUndefined()
    expect(await costFor({ n: -1 })).toBeUndefined()
  })

  test('a list needs one of its slicing arguments', async () => {
    const none = refusal(await door.post('costs', { query: '{ either { title } }' }))
    expect(none.message).toBe(
      'The field Query.either needs exactly one of the arguments that limit its length: first, last',
    )
    expect(none.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'SLICING_ARGUMENT_REQUIRED',
    })
    const query = 'query ($a: Int, $b: Int) { either(first: $a, last: $b) { title } }'
    const both = await door.post('costs', { query, variables: { a: 1, b: 1 } })
    expect(refusal(both).extensions.reason).toBe('SLICING_ARGUMENT_REQUIRED')
    const one = await door.post('costs', { query, variables: { b: 1 } })
    expect(one.body).toEqual({ data: { either: [] } })
  })

  test('introspection costs nothing', async () => {
    const body = { query: getIntrospectionQuery(), extensions: { cost: true } }
    expect(extensionsOf(await door.post('costs', body)).cost).toEqual({ estimated: 0, max: 30 })
  })

  test('that of a subscription is compared when it begins', async () => {
    const body = { query: 'subscription { added { title } }' }
    const { text } = await door.post('costs', body, { accept: 'text/event-stream' })
    expect(text).toContain('"cost":{"estimated":5000,"max":30}')
  })

  test('that of an operation with @defer is that of all its parts', async () => {
    const accept = 'multipart/mixed;deferSpec=20220824, application/json'
    const query = `{ bestsellers { title ... @defer { author { name } } } }`
    const body = { query, extensions: { cost: true } }
    const { text } = await door.post('costs', body, { accept })
    expect(text).toContain('"extensions":{"cost":{"estimated":10,"max":30}}')
    expect(text).toContain('"hasNext":false')
    const large = query.replace('author { name }', whole)
    expect(refusal(await door.post('costs', { query: large }, { accept })).extensions.cost).toEqual(
      { estimated: 40, max: 30 },
    )
  })
})

test('what is measured is not refused, but counted and logged', async () => {
  const deep = `{ a: books { similar(first: 1) { similar(first: 1) { similar(first: 1) {
    similar(first: 1) { title } } } } } b: echo c: echo either { title } }`
  for (const _again of [1, 2, 3]) {
    expect((await door.post('measured', { query: `query Deep ${deep}` })).status).toBe(200)
  }
  const log = door.gateway('measured').log.map((line) => JSON.parse(line))
  const exceeded = log.filter(({ msg }) => msg === 'an operation exceeds a limit that is measured')
  expect(
    exceeded.map(({ limit, value, max, operationName }) => [limit, value, max, operationName]),
  ).toEqual([
    ['depth', 6, 5, 'Deep'],
    ['aliases', 3, 2, 'Deep'],
    ['slicing_arguments', 0, 1, 'Deep'],
  ])
  await door.post('measured', { query: '{ books(first: 100) { title } }' })
  const { url } = log.find(({ msg }) => msg === 'serving metrics') as { url: string }
  const metrics = await (await fetch(url)).text()
  const counted = (limit: string) =>
    new RegExp(
      `^portcullis_limits_exceeded_total{limit="${limit}",mode="measure"} (\\d+)$`,
      'm',
    ).exec(metrics)?.[1]
  expect(['depth', 'aliases', 'slicing_arguments', 'cost'].map(counted)).toEqual([
    '3',
    '3',
    '3',
    '1',
  ])
  expect(metrics).toContain('portcullis_operation_cost_count 4')
  // The default of what protects the gateway itself is enforced.
  const nested = `{ books { ${'similar(first: 1) { '.repeat(200)} title ${'}'.repeat(200)} } }`
  expect(refusal(await door.post('measured', { query: nested })).message).toMatch(/200 levels/)
})

/** The rows of "Attacks" in SECURITY.md. */
describe('attacks', () => {
  const aliases = (field: string) =>
    Array.from({ length: 500 }, (_, n) => `a${n}: ${field}`).join(' ')

  test('alias bombs', async () => {
    const logins = await door.post('logins', {
      query: `mutation { ${aliases('login(password: "a")')} }`,
    })
    expect(refusal(logins).extensions.reason).toBe('CREDENTIALS_REPEATED')
    const query = `{ ${aliases('bestsellers { title }')} }`
    expect(refusal(await door.post('limited', { query })).extensions).toMatchObject({
      limit: 'aliases',
      value: 500,
    })
    expect(refusal(await door.post('costs', { query })).extensions.cost).toEqual({
      estimated: 2500,
      max: 30,
    })
  })

  test('alias bombs without any setting delay nobody else', async () => {
    const leaves = (count: number) =>
      `{ echo ${Array.from({ length: count }, (_, n) => `a${n}: echo`).join(' ')} }`
    const { message, extensions } = refusal(await door.post('usual', { query: leaves(3_400) }))
    expect([extensions.code, message]).toEqual([
      'GRAPHQL_PARSE_FAILED',
      expect.stringContaining('10000 tokens'),
    ])
    const order: string[] = []
    const largest = door.post('usual', { query: leaves(3_300) }).then(({ status, body }) => {
      order.push('largest')
      // A slow machine takes longer than limits.planning_time.
      const reasons = body.errors?.map(({ extensions }) => extensions.reason)
      return status === 200 || reasons?.join() === 'OPERATION_TOO_COMPLEX'
    })
    const others = Array.from({ length: 5 }, async (_, n) => {
      const { status } = await door.post('usual', { query: `query Other${n} { echo }` })
      order.push('other')
      return status
    })
    expect(await Promise.all(others)).toEqual(Array(5).fill(200))
    expect(await largest).toBe(true)
    expect(order.at(-1)).toBe('largest')
  })

  test.each(['usual', 'apollo', 'limited', 'costs', 'measured'])(
    'fragment bombs: %s',
    async (gateway) => {
      const levels = Array.from(
        { length: 40 },
        (_, n) =>
          `fragment F${n} on Book { a: similar(first: 1) { ...F${n + 1} } b: similar(first: 1) { ...F${n + 1} } }`,
      )
      const query = `{ bestsellers { ...F0 } } ${levels.join(' ')} fragment F40 on Book { title }`
      const { message, extensions } = refusal(await door.post(gateway, { query }))
      expect(message).toMatch(/more than 20000 selections/)
      expect(extensions).toEqual({
        code: 'GRAPHQL_VALIDATION_FAILED',
        limit: 'selections',
        value: 5 * 2 ** 40 - 2,
        max: 20000,
      })
      // Without a level between them, nothing is deep.
      const flat = Array.from(
        { length: 20 },
        (_, n) => `fragment F${n} on Book { ...F${n + 1} ...F${n + 1} }`,
      )
      const wide = `{ bestsellers { ...F0 } } ${flat.join(' ')} fragment F20 on Book { title }`
      expect(refusal(await door.post(gateway, { query: wide })).message).toMatch(
        /more than 20000 selections/,
      )
    },
  )

  test.each(['usual', 'apollo'])('chains of fragments: %s', async (gateway) => {
    const chain = (length: number) => {
      const links = Array.from(
        { length },
        (_, n) => `fragment F${n} on Book { ${n + 1 < length ? `...F${n + 1}` : 'title'} }`,
      )
      return `{ bestsellers { ...F0 } } ${links.join(' ')}`
    }
    expect((await door.post(gateway, { query: chain(100) })).status).toBe(200)
    const { message } = refusal(await door.post(gateway, { query: chain(1_200) }))
    expect(message).toMatch(/nested deeper than 200 levels/)
  })

  test('lists in lists, and long lists', async () => {
    const query = '{ books(first: 100) { similar(first: 100) { similar(first: 100) { title } } } }'
    expect(refusal(await door.post('costs', { query })).extensions.cost).toEqual({
      estimated: 1_010_100,
      max: 30,
    })
    const long = await door.post('costs', { query: '{ books(first: 1000000) { title } }' })
    expect(refusal(long).extensions.code).toBe('COST_ESTIMATED_TOO_EXPENSIVE')
  })

  test('introspection scraping', async () => {
    const scraped = Array.from(
      { length: 300 },
      (_, n) => `s${n}: __schema { types { fields { type { name } } } }`,
    )
    const often = await door.post('usual', { query: `{ ${scraped.join(' ')} }` })
    expect(refusal(often).message).toMatch(/introspects the schema too many times/)
    const once = await door.post('hidden', { query: getIntrospectionQuery() })
    expect(refusal(once).message).toMatch(/introspection/i)
  })
})

test('no name or alias makes a line of the log long', async () => {
  const long = 'x'.repeat(10_000)
  const aliases = Array.from({ length: 5 }, (_, n) => `${long}${n}: secret { title }`)
  const query = `query ${long} { ${aliases.join(' ')} }`
  for (const gateway of ['usual', 'measured']) {
    await door.post(gateway, { query })
    const lengths = door.gateway(gateway).log.map(({ length }) => length)
    expect(Math.max(...lengths)).toBeLessThan(5_000)
  }
})

test('no refusal is a line in the log above info', () => {
  for (const gateway of ['limited', 'costs', 'apollo', 'usual', 'logins', 'hidden']) {
    expect(door.complaints(gateway)).toEqual([])
  }
})

function extensionsOf({ body }: Response): Record<string, unknown> {
  return (body as { extensions?: Record<string, unknown> }).extensions ?? {}
}
