/** What a field requires may fail to arrive: the field is not computed without it, and there is an error. */
import { expect, test } from '@jest/globals'
import { contexts, inside, library, office, overlaps } from './federations.ts'
import type { Federation } from './federations.ts'
import { enginesOf } from './only-native-is-right.ts'
import { operation } from './two-engines.ts'
import type { WriteResponse } from './two-engines.ts'

const plainly = (response: unknown) => Buffer.from(JSON.stringify(response))

async function answered(one: Federation, text: string, write: WriteResponse) {
  const { native } = await enginesOf(one)
  const { data, errors, calls } = await native({ ...operation(text), write })
  return { data, errors: errors.map(({ code, path }) => `${String(code)} at ${path}`), calls }
}

/** Returns the response while a subgraph is away. */
function answeredWithout(away: string, one: Federation, text: string) {
  return answered(one, text, (response, call) =>
    call.startsWith(`${away} `) ? undefined : plainly(response),
  )
}

const invalid = 'SUBGRAPH_RESPONSE_INVALID'
const missing = 'REQUIRED_DATA_MISSING'

test.each([
  ['of an object', '{ item { label } }', 'people', { item: { label: null } }],
  ['of lists of objects', '{ item { listed } }', 'people', { item: { listed: null } }],
  ['of an object of a union', '{ item { kind } }', 'places', { item: { kind: null } }],
  ['of an object in an object', '{ item { address } }', 'people', { item: null }],
  ['of an entity in an entity', '{ item { tag { id } } }', 'people', { item: { tag: null } }],
])('a field is not computed without what it requires %s', async (_, text, away, data) => {
  const answer = await answeredWithout(away, inside, text)
  expect(answer.data).toEqual(data)
  expect(answer.errors).toEqual([`${invalid} at item`, `${missing} at item`])
  expect(answer.calls.filter((call) => call.startsWith('labels:'))).toEqual([])
})

test('nothing else is lost, and the error is where the first such entity is', async () => {
  const text =
    '{ any { ... on Item { label } } people { favourite { plain label } } item { plain } }'
  const { native } = await enginesOf(inside)
  const whole = await native(operation('{ people { favourite { plain } } item { plain } }'))
  const answer = await answered(inside, text, (response, call) =>
    /^people .*(_entities)/.test(call) ? undefined : plainly(response),
  )
  const { people, ...rest } = whole.data as { people: { favourite: object }[]; item: object }
  expect(people.length).toBeGreaterThan(1)
  expect(answer.data).toEqual({
    ...rest,
    any: [{ label: null }],
    people: people.map(({ favourite }) => ({ favourite: { ...favourite, label: null } })),
  })
  expect(answer.errors).toContain(`${missing} at any.0`)
  expect(answer.errors).toContain(`${missing} at people.0.favourite`)
})

test('where a field requires something of its own entity, the error of the failed call is the only one', async () => {
  const answer = await answeredWithout('weights', inside, '{ item { plain load tag { id } } }')
  expect(answer.data).toEqual({ item: { plain: expect.any(Number), load: null, tag: null } })
  expect(answer.errors).toEqual([`${invalid} at item`])
})

test('a field is not resolved without an argument from its context', async () => {
  const text = '{ readers { locale texts { id remote } } }'
  const { native } = await enginesOf(contexts)
  const whole = await native(operation(text))
  const answer = await answeredWithout('places', contexts, text)
  const { readers } = whole.data as { readers: { texts: object[] }[] }
  const lost = readers.map((reader) => ({
    ...reader,
    texts: reader.texts.map((one) => ({ ...one, remote: null })),
  }))
  expect(answer.data).toEqual({ readers: lost })
  expect(answer.errors).toEqual([`${invalid} at readers.0`])
})

test('an entity that a subgraph does not have is no failure, whatever fails elsewhere', async () => {
  const unknown: WriteResponse = (response, call) => {
    if (call.startsWith('people ')) return plainly({ data: { _entities: [null] } })
    return call.startsWith('places ') ? undefined : plainly(response)
  }
  const alone = await answered(inside, '{ item { label } }', unknown)
  expect(alone).toMatchObject({ data: { item: { label: expect.stringMatching(/^label#/) } } })
  expect(alone.errors).toEqual([])
  const beside = await answered(
    inside,
    '{ item { label } maybeItem { spot { place { town } } } }',
    unknown,
  )
  expect(beside.data).toMatchObject(alone.data as object)
  expect(beside.errors).toHaveLength(1)
})

test('the error of a failed fetch is at the first of its entities that the client selects', async () => {
  const text = '{ media { ... on Movie { comments { on { title } } } stars } }'
  const { native } = await enginesOf(library)
  const whole = await native(operation(text))
  const answer = await answered(library, text, (response, call) =>
    /^catalog .*_entities/.test(call) ? undefined : plainly(response),
  )
  const { media } = whole.data as { media: { comments?: object[] }[] }
  const first = media.findIndex(({ comments }) => comments && comments.length > 0)
  // Comments of the media before it are fetched as well, for an interface object has no types.
  expect(first).toBeGreaterThan(0)
  expect(answer.errors).toEqual([`${invalid} at media.${first}.comments.0.on`])
})

test.each([
  [
    'fragments on the same type',
    office,
    `query ($no: Boolean! = false) {
      badges { holder { badgeText badgeText @skip(if: $no) reach } }
    }`,
    /^staff .*_entities/,
    'reach',
  ],
  [
    'a fragment inside of another',
    overlaps,
    `query ($no: Boolean! = false, $yes: Boolean! = true) {
      item @include(if: $yes) {
        link { c { id } }
        ... on Item @skip(if: $no) { link @skip(if: $no) { six: a } }
      }
    }`,
    /^store .*_entities/,
    'six',
  ],
])(
  'nothing is computed where an entity could be represented by %s',
  async (_, one, text, away, field) => {
    const { native } = await enginesOf(one)
    const resolved = async (write: WriteResponse) =>
      (await native({ ...operation(text), write })).calls.some((call) => call.includes(`${field}`))
    const failing: WriteResponse = (response, call) =>
      away.test(call) ? undefined : plainly(response)
    expect(await resolved(plainly)).toBe(true)
    expect(await resolved(failing)).toBe(false)
  },
)
