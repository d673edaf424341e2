/** What guards and policies mean for a client, over real HTTP. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { compose } from '../support/compose.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const sdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@authenticated", "@requiresScopes", "@policy"]
    )
  type Query {
    open: String
    mine: String @authenticated
    diagnosis: String @policy(policies: [["is a doctor"]])
    wages: String @requiresScopes(scopes: [["wages"]])
    transfer: String @policy(policies: [["recent login"]])
    record: Record!
  }
  interface Sealed {
    seal: String
  }
  type Letter implements Sealed {
    seal: String
    text: String
  }
  union Found = Letter | Record
  extend type Query {
    letter: Letter
    sealed: Sealed
    found: Found
  }
  type Record {
    id: ID! @authenticated
    title: String
  }
  type Mutation {
    open: String
    pay: String @authenticated
  }
`
const answers = {
  ...{ open: 'open', mine: 'mine', diagnosis: 'flu', wages: '7', transfer: 'done', pay: 'paid' },
  record: { title: 'title' },
  letter: { __typename: 'Letter', seal: 'wax', text: 'dear' },
  sealed: { __typename: 'Letter', seal: 'wax', text: 'dear' },
  found: { __typename: 'Letter', seal: 'wax', text: 'dear' },
}

/** All that subgraph and policy service were sent: headers, and what their tokens say. */
const sent: string[] = []
const questions: { policies: string[]; claims: Record<string, unknown> | null }[] = []

let issuer: TestIssuer
let subgraph: Server
let policyService: Server
const folder = scratchFolder()
/** The gateways of one test. */
const gateways: RunningGateway[] = []
/** Those that several tests send requests to, by their settings. */
const kept = new Map<string, Promise<RunningGateway>>()

function serverOf(answer: (body: string) => unknown): Promise<Server> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const headers = request.rawHeaders.map((text) =>
      /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)
        ? Buffer.from(text.split('.')[1]!, 'base64url').toString()
        : text,
    )
    sent.push(headers.join('\n'))
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer(Buffer.concat(chunks).toString())))
  })
  return new Promise((ready) => server.listen(0, '127.0.0.1', () => ready(server)))
}

const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = await serverOf(() => ({ data: answers }))
  policyService = await serverOf((body) => {
    questions.push(JSON.parse(body))
    const { claims } = questions.at(-1)!
    return { granted: claims?.role === 'doctor' ? ['is a doctor'] : [] }
  })
})

afterEach(async () => {
  sent.length = 0
  questions.length = 0
  for (const gateway of gateways.splice(0)) await gateway.close()
})

afterAll(async () => {
  for (const gateway of kept.values()) await (await gateway).close()
  for (const server of [subgraph, policyService]) {
    server?.closeAllConnections()
    server?.close()
  }
  await issuer?.close()
})

/** @param authorization the lines of that section of gateway.yaml */
async function gatewayWith(
  authorization: string,
  more = '',
  issuerSettings: object = {},
): Promise<RunningGateway> {
  const gateway = await startGateway(authorization, more, issuerSettings)
  gateways.push(gateway)
  return gateway
}

function keptGatewayWith(authorization: string): Promise<RunningGateway> {
  const gateway = kept.get(authorization) ?? startGateway(authorization)
  kept.set(authorization, gateway)
  return gateway
}

function startGateway(authorization: string, more = '', issuerSettings: object = {}) {
  return runGateway(
    [{ name: 'clinic', url: urlOf(subgraph), sdl }],
    `authentication:
  issuers:
    - ${JSON.stringify({
      issuer: issuer.issuer,
      jwks_uri: issuer.jwksUri,
      audiences: ['portcullis'],
      algorithms: ['ES256'],
      ...issuerSettings,
    })}
authorization: { ${authorization} }
${more}`,
  )
}

const graphqlResponse = 'application/graphql-response+json'

async function ask(
  gateway: RunningGateway,
  query: string,
  { claims, accept = graphqlResponse }: { claims?: object; accept?: string } = {},
) {
  const token = claims && (await issuer.accessToken({ ...claims }))
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept,
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query }),
  })
  const body = (await response.json()) as {
    data: Record<string, unknown> | null
    errors?: { extensions: Record<string, unknown> }[]
  }
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate'),
    data: body.data,
    codes: (body.errors ?? []).map(({ extensions }) => extensions.code),
    errors: body.errors ?? [],
  }
}

describe('policies see every verified claim', () => {
  const doctor = { sub: 'd', role: 'doctor', ward: { floor: 3 } }
  const nurse = { sub: 'n', role: 'nurse' }

  test.each(['functions', 'a service'])('%s', async (kind) => {
    const file = join(folder, 'policies.mjs')
    writeFileSync(
      file,
      "export default { 'is a doctor': ({ claims }) => claims?.role === 'doctor' }",
    )
    const decider = kind === 'functions' ? `file: '${file}'` : `url: '${urlOf(policyService)}'`
    const gateway = await gatewayWith(
      `policies: { ${decider} }`,
      'subgraphs: { clinic: { deduplicate_requests: true } }',
    )
    for (const _again of [1, 2]) {
      const [seen, denied, unknown] = await Promise.all([
        ask(gateway, '{ open diagnosis }', { claims: doctor }),
        ask(gateway, '{ open diagnosis }', { claims: nurse }),
        ask(gateway, '{ open diagnosis }'),
      ])
      expect(seen.data).toEqual({ open: 'open', diagnosis: 'flu' })
      expect(denied.data).toEqual({ open: 'open', diagnosis: null })
      expect(unknown.data).toEqual({ open: 'open', diagnosis: null })
    }
    const toSubgraph = sent.filter((headers) => /gateway-claims/i.test(headers)).join('\n')
    expect(toSubgraph).toContain('"sub":"d"')
    expect(toSubgraph).not.toMatch(/doctor|nurse|ward/)
  })

  test('a service gets all of them, the scopes as they were read', async () => {
    const gateway = await gatewayWith(`policies: { url: '${urlOf(policyService)}' }`)
    await ask(gateway, '{ diagnosis }', { claims: doctor })
    expect(questions).toEqual([
      {
        policies: ['is a doctor'],
        claims: expect.objectContaining({
          ...doctor,
          iss: issuer.issuer,
          aud: 'portcullis',
          jti: 'test-token',
          scope: 'profile',
        }),
        operationName: null,
      },
    ])
  })

  test('with the subject and the scopes that the issuer may speak of', async () => {
    const gateway = await gatewayWith(`policies: { url: '${urlOf(policyService)}' }`, '', {
      scopes_claim: 'roles',
      subject_prefix: 'x|',
    })
    await ask(gateway, '{ diagnosis }', { claims: { sub: 'd', scope: 'admin', roles: ['staff'] } })
    expect(questions[0]!.claims).toMatchObject({ sub: 'x|d', scope: ['staff'], roles: ['staff'] })
  })
})

test('policies that no function or service decides are listed in a warning at start', async () => {
  const gateway = await gatewayWith("step_up: { 'recent login': { max_age: 5m } }")
  const warnings = gateway.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 40)
  expect(warnings).toContainEqual(
    expect.objectContaining({
      policies: ['is a doctor'],
      msg: expect.stringMatching(/^no function or service decides these policies/),
    }),
  )
})

describe('an anonymous caller with nothing left of the operation gets UNAUTHENTICATED', () => {
  test.each([
    ['filter', 'a query', '{ mine wages }', 2],
    ['filter', 'a query that only a policy denies', '{ diagnosis }', 1],
    ['filter', 'a null that reaches the root', '{ open record { id title } }', 1],
    ['filter', 'a mutation of which a part is denied', 'mutation { open pay }', 1],
    ['filter', 'a query of which the rest is skipped', '{ mine open @skip(if: true) }', 1],
    ['filter', 'a query in a fragment', '{ ...f } fragment f on Query { mine }', 1],
    ['reject', 'a query of which a part is denied', '{ open mine }', 1],
    ['reject', 'a denied field beneath', '{ open record { id title } }', 1],
  ])('mode %s, %s', async (mode, _name, query, count) => {
    for (const errors of ['errors', 'extensions', 'log']) {
      const gateway = await keptGatewayWith(`mode: ${mode}, errors: ${errors}`)
      for (const [accept, status] of [
        [graphqlResponse, 401],
        ['application/json', 200],
      ] as const) {
        const answer = await ask(gateway, query, { accept })
        expect(answer).toMatchObject({ status, data: null })
        expect(answer.challenge).toBe(status === 401 ? 'Bearer realm="portcullis"' : null)
        expect(answer.errors).toHaveLength(count)
        for (const error of answer.errors) {
          expect(error).toMatchObject({
            message: 'An access token is required: log in first',
            extensions: { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING', requires: {} },
          })
        }
      }
    }
  })

  test.each([
    ['where a part is left', '{ open mine }', undefined, 200],
    ['where a mutation is filtered', 'mutation { open pay }', undefined, 200],
    ['for a caller who is known', '{ wages }', {}, 403],
  ])('and not %s', async (_name, query, claims, status) => {
    const gateway = await keptGatewayWith('mutations: filter')
    const answer = await ask(gateway, query, { ...(claims ? { claims } : {}) })
    expect(answer).toMatchObject({ status, codes: ['UNAUTHORIZED_FIELD_OR_TYPE'] })
  })

  test('nor for one for whom another login would do', async () => {
    const gateway = await gatewayWith("step_up: { 'recent login': { max_age: 5m } }")
    const answer = await ask(gateway, '{ transfer }', { claims: { auth_time: 1 } })
    expect(answer).toMatchObject({
      status: 401,
      challenge: expect.stringMatching(/error="insufficient_user_authentication".*max_age="300"/),
      errors: [
        {
          extensions: {
            code: 'UNAUTHORIZED_FIELD_OR_TYPE',
            reason: 'INSUFFICIENT_USER_AUTHENTICATION',
          },
        },
      ],
    })
  })

  test('nor in a dry run', async () => {
    const gateway = await gatewayWith('mode: dry_run')
    const answer = await ask(gateway, '{ mine }')
    expect(answer).toMatchObject({
      status: 200,
      data: { mine: 'mine' },
      codes: ['UNAUTHORIZED_FIELD_OR_TYPE'],
    })
  })
})

test('with show_requirements: false the requirements are not disclosed, also not in headers', async () => {
  const gateway = await gatewayWith(
    "show_requirements: false, step_up: { 'recent login': { max_age: 5m, acr_values: [aal2] } }",
  )
  const lacking = await ask(gateway, '{ wages }', { claims: {} })
  expect(lacking).toMatchObject({ status: 403, codes: ['UNAUTHORIZED_FIELD_OR_TYPE'] })
  expect(lacking.challenge).toMatch(/error="insufficient_scope"/)
  const late = await ask(gateway, '{ transfer }', { claims: { auth_time: 1 } })
  expect(late).toMatchObject({ status: 401, codes: ['UNAUTHORIZED_FIELD_OR_TYPE'] })
  expect(late.challenge).toMatch(/error="insufficient_user_authentication"/)
  const anonymous = await ask(gateway, '{ wages }')
  expect(anonymous).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] })
  for (const { challenge, errors } of [lacking, late, anonymous]) {
    expect(challenge + JSON.stringify(errors)).not.toMatch(/scope=|aal2|300|max_age|requires/)
  }
})

describe('a supergraph from another composer', () => {
  const composed = () => compose([{ name: 'clinic', url: urlOf(subgraph), sdl }])
  const guardedInterface = (directive: string) =>
    composed().replace(/(interface Sealed[^{]*\{\s*seal: String)/, `$1 ${directive}`)

  test('has the guards of an interface for its implementations too', async () => {
    const gateway = await gatewayWith('')
    const query = `{
      letter { seal text }
      sealed { seal ...l }
      found { ... on Sealed { seal } ...l }
    }
    fragment l on Letter { stamp: seal }`
    expect((await ask(gateway, query)).errors).toEqual([])
    gateway.writeSupergraph(guardedInterface('@authenticated'))
    await until(async () => (await ask(gateway, query)).errors.length > 0)
    expect(await ask(gateway, query)).toMatchObject({
      data: {
        letter: { seal: null, text: 'dear' },
        sealed: { seal: null, stamp: null },
        found: { seal: null, stamp: null },
      },
      codes: Array.from({ length: 5 }, () => 'UNAUTHORIZED_FIELD_OR_TYPE'),
    })
    const known = await ask(gateway, query, { claims: {} })
    expect(known).toMatchObject({ data: { letter: { seal: 'wax' } }, errors: [] })
  })

  test('is refused with a sentence where a guard has no @link', async () => {
    const gateway = await gatewayWith('')
    const link = /@link\(url: "https:\/\/specs.apollo.dev\/authenticated\/v0.1"[^)]*\)/
    gateway.writeSupergraph(composed().replace(link, ''))
    await until(() =>
      gateway.log.some((line) => line.includes('it has @authenticated, but no @link says which')),
    )
    expect(await ask(gateway, '{ open mine }')).toMatchObject({
      data: { open: 'open', mine: null },
    })
  })
})
