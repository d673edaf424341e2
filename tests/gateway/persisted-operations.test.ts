/** Documents by their ids: which are known, which callers may send, and what clients get otherwise. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openFrontDoor } from '../support/front-door.ts'
import type { FrontDoor } from '../support/front-door.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const sdl = /* GraphQL */ `
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
  type Query {
    name: String
    echo(text: String): String
    private: String @authenticated
  }
  type Mutation {
    rename(to: String!): String
  }
`
const resolvers = {
  Query: {
    name: () => 'root',
    echo: (_: unknown, { text }: { text: string }) => text,
    private: () => 'for members',
  },
  Mutation: { rename: (_: unknown, { to }: { to: string }) => to },
}

const folder = scratchFolder()
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const texts = {
  name: 'query Name { name }',
  echo: 'query Echo($text: String) {\n  echo(text: $text)\n}',
  rename: 'mutation Rename($to: String!) { rename(to: $to) }',
  two: 'query One { name } query Two { echo(text: "two") }',
  fragments: 'query Parts { ...A ...B } fragment A on Query { name } fragment B on Query { name }',
  private: 'query Private { private }',
}

/** As @apollo/generate-persisted-query-manifest writes it. */
const ofApollo = (bodies: readonly string[]) =>
  JSON.stringify({
    format: 'apollo-persisted-query-manifest',
    version: 1,
    operations: bodies.map((body) => ({
      id: sha256(body),
      name: /(?:query|mutation) (\w+)/.exec(body)?.[1],
      type: body.startsWith('mutation') ? 'mutation' : 'query',
      body,
    })),
  })

const md5OfName = createHash('md5').update('query RelayName { name }').digest('hex')
const prototypeNames = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

function write(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
  return path
}

/** An issuer that may have a client of the same id as that of the tests. */
const another = {
  issuer: 'https://another.example.com',
  get entry() {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = { ...publicKey.export({ format: 'jwk' }), kid: 'another', alg: 'ES256' }
    return `    - { issuer: "${this.issuer}", audiences: [portcullis], jwks: ${JSON.stringify({ keys: [key] })} }\n`
  },
}

let door: FrontDoor

beforeAll(async () => {
  const apollo = write('apollo.json', ofApollo(Object.values(texts)))
  const relay = write(
    'relay.json',
    `{"${md5OfName}": "query RelayName { name }", "sha256:${sha256('{ name }')}": "{ name }",
      "__proto__": "query Prototype { name }"}`,
  )
  const manifests = `operations: { manifests: ["${apollo}", { from: "${relay}" }]`
  door = await openFrontDoor({
    sdl,
    resolvers,
    gateways: {
      plain: '',
      any: `${manifests} }`,
      known: `${another.entry}${manifests}, accept: known, exempt: { scopes: [operations:free], clients: [{ issuer: "${another.issuer}", client: tests }] } }`,
      ids: `${manifests}, accept: ids, exempt: { clients: [tests] } }`,
      automatic: 'operations: { automatic: {} }',
      members: `${manifests}, automatic: { registered_by: authenticated } }`,
      small: 'operations: { automatic: { memory: 2KB } }',
      counted: `${manifests}, automatic: {} }\nmetrics: { port: 0 }`,
    },
  })
})
afterAll(() => door?.close())

const inExtension = (sha256Hash: string) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash } },
})

function refusal(status: number, code: string) {
  return {
    status,
    headers: { 'cache-control': 'no-store' },
    body: { errors: [{ extensions: { code } }] },
  }
}
const served = (data: Record<string, unknown>) => ({ status: 200, body: { data } })
const isServed = served({ name: 'root' })

/** Returns the lines of the metric of documents. */
async function documentsCounted(): Promise<string[]> {
  const line = door.gateway('counted').log.find((line) => line.includes('serving metrics'))!
  const { url } = JSON.parse(line) as { url: string }
  const lines = (await (await fetch(url)).text()).split('\n')
  return lines.filter((line) => line.startsWith('portcullis_documents_total'))
}

const get = async (gateway: string, path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${door.gateway(gateway).url}${path}`, { headers })
  const { headers: received, status } = response
  const body = (await response.json()) as object
  return { status, headers: Object.fromEntries(received), body }
}

describe('a known operation is requested', () => {
  test.each(['any', 'known', 'ids'])('by its id, as %s', async (gateway) => {
    const id = sha256(texts.name)
    const bodies = [
      { documentId: `sha256:${id}` },
      { documentId: id },
      { doc_id: id },
      { id },
      { id, query: null },
      inExtension(id),
      { ...inExtension(id), query: texts.name },
      { documentId: id, query: texts.name },
      { documentId: md5OfName },
      { doc_id: md5OfName },
      { documentId: md5OfName, query: 'query RelayName { name }' },
      { documentId: `sha256:${sha256('{ name }')}` },
      inExtension(sha256('{ name }')),
      { documentId: '__proto__' },
    ]
    for (const body of bodies) expect(await door.post(gateway, body)).toMatchObject(isServed)
    const extensions = JSON.stringify(inExtension(id).extensions)
    for (const search of [
      { documentId: `sha256:${id}` },
      { doc_id: id },
      { id },
      { extensions },
    ] as Record<string, string>[]) {
      expect(await door.get(gateway, search)).toMatchObject(isServed)
    }
    for (const path of [`/${id}`, `/sha256:${id}`, `/sha256%3A${id}`, '/__proto__']) {
      expect(await get(gateway, path)).toMatchObject(isServed)
    }
  })

  test('with variables and a name, by every method', async () => {
    const variables = { text: 'hello' }
    const id = sha256(texts.echo)
    const echoed = served({ echo: 'hello' })
    expect(await door.post('ids', { documentId: id, variables })).toMatchObject(echoed)
    const search = `?variables=${encodeURIComponent(JSON.stringify(variables))}`
    expect(await get('ids', `/${id}${search}`)).toMatchObject(echoed)
    const two = { documentId: sha256(texts.two), operationName: 'Two' }
    expect(await door.post('ids', two)).toMatchObject(served({ echo: 'two' }))
    expect(await door.get('ids', two)).toMatchObject(served({ echo: 'two' }))
  })

  test('a mutation by POST only', async () => {
    const id = sha256(texts.rename)
    const variables = { to: 'x' }
    const renamed = served({ rename: 'x' })
    expect(await door.post('ids', { documentId: id, variables })).toMatchObject(renamed)
    const search = { documentId: id, variables: JSON.stringify(variables) }
    expect(await door.get('ids', search)).toMatchObject({ status: 405, headers: { allow: 'POST' } })
    expect(await get('ids', `/${id}`)).toMatchObject({ status: 405 })
  })
})

describe('refused is', () => {
  test.each<[string, object, number, string]>([
    ['an unknown id', { documentId: 'unknown' }, 404, 'PERSISTED_QUERY_NOT_IN_LIST'],
    ['an unknown id of Relay', { doc_id: 'unknown' }, 404, 'PERSISTED_QUERY_NOT_IN_LIST'],
    ['an unknown hash of Apollo', inExtension('ab'.repeat(32)), 404, 'PERSISTED_QUERY_NOT_IN_LIST'],
    [
      'a hash in upper case',
      { documentId: `sha256:${sha256(texts.name).toUpperCase()}` },
      404,
      'PERSISTED_QUERY_NOT_IN_LIST',
    ],
    [
      'the hash of the text with a line break at its end',
      { documentId: sha256(`${texts.name}\n`) },
      404,
      'PERSISTED_QUERY_NOT_IN_LIST',
    ],
    ...prototypeNames
      .slice(1)
      .map((documentId): [string, object, number, string] => [
        `the id ${documentId}`,
        { documentId },
        404,
        'PERSISTED_QUERY_NOT_IN_LIST',
      ]),
    [
      'a known id with another text',
      { documentId: sha256(texts.name), query: texts.echo },
      400,
      'CANNOT_SEND_PQ_ID_AND_BODY',
    ],
    [
      'an id of Relay with another text',
      { id: md5OfName, query: texts.name },
      400,
      'CANNOT_SEND_PQ_ID_AND_BODY',
    ],
    [
      'a hash of Apollo that does not fit the text',
      { ...inExtension(sha256(texts.name)), query: texts.echo },
      400,
      'PERSISTED_QUERY_HASH_MISMATCH',
    ],
    ['an id that is no text', { documentId: 7 }, 400, 'BAD_REQUEST'],
    ['an empty id', { id: '' }, 400, 'BAD_REQUEST'],
    ['two ids', { documentId: md5OfName, id: sha256(texts.name) }, 400, 'BAD_REQUEST'],
    [
      'two ids, one in the extensions',
      { documentId: md5OfName, ...inExtension(sha256(texts.name)) },
      400,
      'BAD_REQUEST',
    ],
    [
      'another version of the extension',
      { extensions: { persistedQuery: { version: 2, sha256Hash: 'x' } } },
      400,
      'BAD_REQUEST',
    ],
    ['neither text nor id', {}, 400, 'BAD_REQUEST'],
    ['a text that is none', { query: 7 }, 400, 'BAD_REQUEST'],
    // None of these is the text of the manifest.
    ['another text', { query: '{ echo }' }, 403, 'QUERY_NOT_IN_SAFELIST'],
    ['other white space', { query: `${texts.name} ` }, 403, 'QUERY_NOT_IN_SAFELIST'],
    ['a comment', { query: `#\n${texts.name}` }, 403, 'QUERY_NOT_IN_SAFELIST'],
    [
      'another order of fragments',
      {
        query:
          'query Parts { ...A ...B } fragment B on Query { name } fragment A on Query { name }',
      },
      403,
      'QUERY_NOT_IN_SAFELIST',
    ],
    [
      'an operation beside a known one',
      { query: `${texts.name} query Two { echo(text: "two") }`, operationName: 'Two' },
      403,
      'QUERY_NOT_IN_SAFELIST',
    ],
    [
      'an unknown text with its own hash',
      { query: '{ echo }', documentId: sha256('{ echo }') },
      403,
      'QUERY_NOT_IN_SAFELIST',
    ],
    ['introspection', { query: '{ __schema { types { name } } }' }, 403, 'QUERY_NOT_IN_SAFELIST'],
  ])('%s', async (_name, body, status, code) => {
    expect(await door.post('known', body)).toMatchObject(refusal(status, code))
    const search = Object.fromEntries(
      Object.entries(body).map(([key, value]) => [
        key,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    )
    if (body && Object.values(body).includes(7)) return
    expect(await door.get('known', search)).toMatchObject(refusal(status, code))
  })

  test('any text where only ids are accepted, introspection and known texts included', async () => {
    for (const query of [texts.name, '{ echo }', '{ __schema { types { name } } }']) {
      const expected = refusal(400, 'PERSISTED_QUERY_ID_REQUIRED')
      expect(await door.post('ids', { query })).toMatchObject(expected)
      expect(await door.get('ids', { query })).toMatchObject(expected)
    }
  })

  test('an id in the path that is not UTF-8, or is not that of the body', async () => {
    expect(await get('ids', '/%E0%A4%A')).toMatchObject({ status: 400 })
    expect(await get('ids', `/${md5OfName}?id=${sha256(texts.name)}`)).toMatchObject({
      status: 400,
    })
    expect(await get('ids', '/unknown')).toMatchObject(refusal(404, 'PERSISTED_QUERY_NOT_IN_LIST'))
  })

  test('an unknown id only after authentication', async () => {
    const authorization = 'Bearer not.a.token'
    const response = await door.post('known', { documentId: 'unknown' }, { authorization })
    expect(response).toMatchObject({ status: 401 })
  })
})

describe('without the setting', () => {
  test('documents have no ids', async () => {
    const id = sha256(texts.name)
    expect(await door.post('plain', { documentId: id })).toMatchObject(refusal(400, 'BAD_REQUEST'))
    expect(await get('plain', `/${id}`)).toMatchObject({ status: 404 })
    expect(await door.post('plain', inExtension(id))).toMatchObject(
      refusal(200, 'PERSISTED_QUERY_NOT_SUPPORTED'),
    )
    const beside = { query: texts.name, id: 7, documentId: 'x' }
    expect(await door.post('plain', beside)).toMatchObject(isServed)
  })
})

describe('exempt', () => {
  const unknown = { query: '{ echo(text: "free") }' }
  const free = served({ echo: 'free' })

  test('are callers with a scope', async () => {
    const refused = refusal(403, 'QUERY_NOT_IN_SAFELIST')
    expect(await door.post('known', unknown)).toMatchObject(refused)
    const other = await door.caller('profile')
    // Its client is exempt if it is that of another issuer.
    expect(await door.post('known', unknown, other)).toMatchObject(refused)
    const exempt = await door.caller('profile operations:free')
    expect(await door.post('known', unknown, exempt)).toMatchObject(free)
    // A name that a client gives itself proves nothing.
    const named = { ...other, 'apollographql-client-name': 'internal', 'client-id': 'internal' }
    expect(await door.post('known', unknown, named)).toMatchObject(refused)
    const hash = inExtension(sha256(unknown.query))
    expect(await door.post('known', hash, exempt)).toMatchObject(
      refusal(200, 'PERSISTED_QUERY_NOT_SUPPORTED'),
    )
    expect(await door.post('known', { ...hash, ...unknown }, exempt)).toMatchObject(free)
  })

  test('are callers of a client, by their verified access tokens', async () => {
    expect(await door.post('ids', unknown)).toMatchObject(
      refusal(400, 'PERSISTED_QUERY_ID_REQUIRED'),
    )
    expect(await door.post('ids', unknown, await door.caller('profile'))).toMatchObject(free)
  })

  test('is nobody by an access token that is not valid', async () => {
    const { authorization } = await door.caller('operations:free')
    const tampered = { authorization: `${authorization!.slice(0, -6)}AAAAAA` }
    expect(await door.post('known', unknown, tampered)).toMatchObject({ status: 401 })
  })
})

describe('automatic persisted queries', () => {
  const query = '{ echo(text: "registered") }'
  const registered = served({ echo: 'registered' })
  const hash = inExtension(sha256(query))
  const notFound = {
    ...refusal(200, 'PERSISTED_QUERY_NOT_FOUND'),
    body: { errors: [{ message: 'PersistedQueryNotFound' }] },
  }

  test('register a text under its hash, and no other', async () => {
    expect(await door.post('automatic', hash)).toMatchObject(notFound)
    expect(await door.post('automatic', { ...hash, query: `${query}\n` })).toMatchObject(
      refusal(400, 'PERSISTED_QUERY_HASH_MISMATCH'),
    )
    expect(await door.post('automatic', hash)).toMatchObject(notFound)
    expect(await door.post('automatic', { ...hash, query })).toMatchObject(registered)
    expect(await door.post('automatic', hash)).toMatchObject(registered)
    const extensions = JSON.stringify(hash.extensions)
    expect(await door.get('automatic', { extensions })).toMatchObject(registered)
    expect(await get('automatic', `/sha256:${sha256(query)}`)).toMatchObject(registered)
  })

  test('register for callers with an access token only, if the setting says so', async () => {
    expect(await door.post('members', { ...hash, query })).toMatchObject(registered)
    expect(await door.post('members', hash)).toMatchObject(notFound)
    const member = await door.caller('profile')
    expect(await door.post('members', { ...hash, query }, member)).toMatchObject(registered)
    expect(await door.post('members', hash)).toMatchObject(registered)
  })

  test('forget the texts that were used least recently', async () => {
    const long = (letter: string) => `{ echo(text: "${letter.repeat(400)}") }`
    for (const letter of 'abc') {
      const query = long(letter)
      await door.post('small', { ...inExtension(sha256(query)), query })
    }
    expect(await door.post('small', inExtension(sha256(long('a'))))).toMatchObject(notFound)
    expect(await door.post('small', inExtension(sha256(long('c'))))).toMatchObject({
      status: 200,
      body: { data: {} },
    })
  })
})

test('what is in no manifest is logged once, with the nearest known operation and without its text', async () => {
  const lines = () =>
    door
      .gateway('any')
      .log.map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'an operation is in no manifest')
  const before = lines().length
  const spelled = { query: 'query Echo($text: String) { echo(text: $text) }' }
  const other = { query: 'query Echo($text: String) {\n  again: echo(text: $text)\n}' }
  const strange = { query: 'query Strange { name password: echo(text: "a secret") }' }
  const headers = { 'apollographql-client-name': 'web' }
  for (const body of [
    spelled,
    spelled,
    texts.name && { query: texts.name },
    other,
    strange,
    spelled,
  ]) {
    expect(await door.post('any', body, headers)).toMatchObject({ status: 200 })
  }
  await until(() => lines().length === before + 3)
  const id = sha256(texts.echo)
  expect(lines().slice(before)).toMatchObject([
    { operationName: 'Echo', client: 'web', nearest: { id, differs: 'ignored characters' } },
    { operationName: 'Echo', nearest: { id, differs: 'from line 2, column 3' } },
    { operationName: 'Strange' },
  ])
  expect(lines().at(-1)).not.toHaveProperty('nearest')
  expect(JSON.stringify(lines())).not.toContain('a secret')
})

test('requests are counted by how they name their document, and by the client of the access token', async () => {
  const post = (body: object, headers: Record<string, string> = {}) =>
    door.post('counted', body, { 'apollographql-client-name': 'forged', ...headers })
  const caller = (client: object) => door.caller('', { client_id: undefined, ...client })
  const web = await caller({ client_id: 'web' })
  const text = '{ name  }'
  await post({ documentId: sha256(texts.name) })
  await post({ documentId: sha256(texts.name) }, web)
  await post({ query: texts.name }, web)
  await post({ query: '{ name }   ' }, await caller({ azp: 'mobile' }))
  await post({ documentId: 'nothing' }, await caller({}))
  await post({ documentId: 'nothing' }, await caller({ client_id: 'c'.repeat(101) }))
  await post({ documentId: 'nothing' }, { authorization: 'Bearer forged' })
  await post(inExtension(sha256(text)))
  await post({ query: text, ...inExtension(sha256(text)) })
  await post(inExtension(sha256(text)))
  expect((await documentsCounted()).sort()).toEqual([
    'portcullis_documents_total{document="automatic_found",client="anonymous"} 1',
    'portcullis_documents_total{document="automatic_missed",client="anonymous"} 1',
    'portcullis_documents_total{document="automatic_registered",client="anonymous"} 1',
    'portcullis_documents_total{document="id",client="anonymous"} 1',
    'portcullis_documents_total{document="id",client="web"} 1',
    'portcullis_documents_total{document="text",client="web"} 1',
    'portcullis_documents_total{document="unknown_id",client="other"} 1',
    'portcullis_documents_total{document="unknown_id",client="unknown"} 1',
    'portcullis_documents_total{document="unknown_text",client="mobile"} 1',
  ])
})
