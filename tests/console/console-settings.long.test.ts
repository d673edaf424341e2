/** Who gets the page, and whom it explains decisions to: by `console` of gateway.yaml, in processes as they are run. */
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'graphql'
import type { Browser } from 'playwright-core'
import { deriveClaimsKey, serveSubgraph } from '../../subgraphs/kit/index.ts'
import { browserPath, noBrowser, startBrowser } from '../support/browser.ts'
import { compose } from '../support/compose.ts'
import { spawnGateway, startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import { recordedLog } from '../support/recorded-log.ts'
import { gatewaySecret } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { openPage, writeOperation } from './opened-page.ts'

/** What would be run if a text of the graph became markup. */
const markup = '<img src=x onerror=alert(1)><script>alert(2)</script>'

const sdl = /* GraphQL */ `
  extend schema
    @link(
      url: "https://specs.apollo.dev/federation/v2.9"
      import: ["@requiresScopes", "@authenticated"]
    )
  type Query {
    "${markup}"
    secret: String @requiresScopes(scopes: [["${markup}"]])
    failing: String
    open: String
    private: Private @authenticated
    owner: Shop
  }
  type Private {
    text: String
  }
  type Shop {
    private: Private
  }
`

/** What would end the attribute in which it is sent. */
const account = 'alice:"><b>&amp;'

const settings = {
  development: { environment: { CONSOLE_ACCOUNT: account }, console: '' },
  production: { environment: { NODE_ENV: 'production' }, console: '' },
  'for a scope': {
    environment: { NODE_ENV: 'production', CONSOLE_ACCOUNT: account },
    console: `console: { scope: console }
http: { trusted_proxies: 1 }
rates: { failed_authentications: { limit: 3, per: 1h } }`,
  },
  'for everybody': {
    environment: {},
    console: `console: on
http: { trusted_proxies: 1 }
rates: { failed_authentications: { limit: 3, per: 1h } }`,
  },
  'reached from other machines': { environment: { HOST: '0.0.0.0' }, console: '' },
  'behind a proxy': { environment: {}, console: 'http: { trusted_proxies: 1 }' },
  'off in development': { environment: {}, console: 'console: off' },
}
type Name = keyof typeof settings

const withoutPage = [
  'production',
  'reached from other machines',
  'behind a proxy',
  'off in development',
] as const

const folder = scratchFolder()
const gateways = new Map<string, GatewayProcess>()
let issuer: Awaited<ReturnType<typeof startIssuer>>
let subgraph: Awaited<ReturnType<typeof serveSubgraph>>

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = await serveSubgraph({
    name: 'graph',
    typeDefs: parse(sdl),
    resolvers: {
      Query: {
        secret: () => markup,
        open: () => markup,
        failing() {
          throw new Error(markup)
        },
      },
    },
    keys: [deriveClaimsKey(gatewaySecret, 'graph')],
    log: recordedLog().log,
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
  })
  const supergraph = join(folder, 'supergraph.graphql')
  writeFileSync(supergraph, compose([{ name: 'graph', url: subgraph.url, sdl }]))
  const started = Object.entries(settings).map(async ([name, { environment, console }]) => {
    const options = { folder, config: configWith(console), supergraph }
    const secret = { GATEWAY_SECRET: gatewaySecret, DATA_DIR: folder }
    gateways.set(
      name,
      await startGatewayProcess({ ...options, environment: { ...secret, ...environment } }),
    )
  })
  await Promise.all(started)
})
afterAll(async () => {
  for (const { child } of gateways.values()) child.kill('SIGTERM')
  await Promise.all([...gateways.values()].map(({ ended }) => ended))
  await subgraph?.close()
  await issuer?.close()
})

const configWith = (console: string) => `
authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
  sources: [{ header: authorization, scheme: Bearer }, { cookie: session }]
subgraphs: { all: { subgraph_errors: expose } }
${console}
`
const origin = (name: Name) => gateways.get(name)!.origin
const visit = (name: Name, path = '/', accept = 'text/html,application/xhtml+xml,*/*;q=0.8') =>
  fetch(`${origin(name)}${path}`, { headers: { accept } })
const post = async (name: Name, path: string, body: object, token?: string) => {
  const response = await fetch(`${origin(name)}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, any> }
}
/** Sends a body as it is. */
const askAboutToken = async (body: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${origin('development')}/console/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: response.status, body: (await response.json()) as Record<string, any> }
}
const explained = {
  query: '{ open }',
  extensions: { authorization: true, fetches: true },
}

describe('a browser at the address of the gateway', () => {
  test.each(['development', 'for a scope'] as const)('gets the page: %s', async (name) => {
    for (const path of ['/', '/graphql']) {
      const response = await visit(name, path)
      expect(response.status).toBe(200)
      expect(await response.text()).toContain('console/page.js')
      const policy = response.headers.get('content-security-policy')!
      expect(policy.replace(/'nonce-[\w+/=]+'/, 'NONCE')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self' NONCE; connect-src 'self'; img-src 'self'; " +
          "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
      )
    }
    const nonces = await Promise.all(
      [visit(name), visit(name)].map(
        async (response) =>
          /nonce-[^']+/.exec((await response).headers.get('content-security-policy')!)![0],
      ),
    )
    expect(new Set(nonces).size).toBe(2)
  })

  test.each(withoutPage)('reads where the graph is: %s', async (name) => {
    const response = await visit(name)
    expect(await response.text()).toMatch(/The graph is at <code>\/graphql.*console/s)
    expect((await visit(name, '/console/page.js')).status).toBe(404)
    expect((await visit(name, '/graphql')).headers.get('content-type')).toMatch(/json/)
    expect((await post(name, '/console/token', { credential: 'a' })).status).toBe(404)
  })

  test('loads at most 350 KB, compressed', async () => {
    const files = ['page.js', 'page.css', 'icon.svg'].map((file) =>
      fetch(`${origin('development')}/console/${file}`, { headers: { cookie: 'session=a' } }),
    )
    expect((await files[0]!).headers.get('content-encoding')).toMatch(/^(br|gzip)$/)
    const bodies = await Promise.all(
      files.map(async (file) => Buffer.from(await (await file).arrayBuffer())),
    )
    const sizes = bodies.map((body) => gzipSync(body).length)
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(350 * 1024)
  })
})

describe('an account is offered', () => {
  const offered = (name: Name, headers: Record<string, string> = {}) =>
    new Promise<string | undefined>((resolve, reject) => {
      const options = { headers: { accept: 'text/html', ...headers } }
      get(origin(name), options, (response) => {
        const account = text(response).then(
          (page) => /<meta name="account" content="(.*)">/.exec(page)?.[1],
        )
        resolve(account)
      }).on('error', reject)
    })

  test('in development, as text, and nowhere else', async () => {
    expect(await offered('development')).toBe('alice:&quot;><b>&amp;amp;')
    expect(await offered('for a scope')).toBe('')
  })

  test('to a browser on this machine alone, which asks the gateway itself', async () => {
    for (const host of ['localhost:4000', '127.0.0.1', '[::1]:4000']) {
      expect(await offered('development', { host })).toMatch(/^alice:/)
    }
    for (const host of ['attacker.test:4000', '10.0.0.1:4000', '127.0.0.1.attacker.test', '/']) {
      expect(await offered('development', { host })).toBe('')
    }
    for (const header of ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'via']) {
      expect(await offered('development', { [header]: '127.0.0.1' })).toBe('')
    }
  })

  test('only if it has a password', async () => {
    const environment = { CONSOLE_ACCOUNT: 'the-secret', DATA_DIR: folder }
    const supergraph = join(folder, 'supergraph.graphql')
    const refused = spawnGateway({ folder, config: configWith(''), supergraph, environment })
    expect(await refused.ended).toBe(1)
    expect(refused.output()).toContain('CONSOLE_ACCOUNT is not of the form username:password')
    expect(refused.output()).not.toContain('the-secret')
  })
})

test('the licenses of the libraries in the page come with it', async () => {
  const licenses = await (await visit('development', '/console/licenses.txt')).text()
  for (const name of ['@codemirror/view', '@lezer/lr', 'graphql', 'preact', 'style-mod', 'uqr']) {
    expect(licenses).toMatch(new RegExp(`^--- ${name} [\\d.]+ \\(MIT\\)\n\n`, 'm'))
  }
  expect(licenses.match(/^--- /gm)).toHaveLength(
    licenses.match(/Permission is hereby granted, free of charge/g)!.length,
  )
  const script = await (await visit('development', '/console/page.js')).text()
  expect(script).toMatch(/^\/\* The licenses of .*licenses\.txt \*\//)
})

test.each([
  ['/', 'application/json', 404],
  ['/', '*/*', 404],
  ['/graphql', '*/*', 400],
  ['/graphql?query={open}', 'text/html,*/*;q=0.8', 200],
  ['/graphql', 'application/json, text/html;q=0.9', 400],
] as const)('a program gets JSON: GET %s with %s', async (path, accept, status) => {
  const response = await visit('development', path, accept)
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toMatch(/^application\/json/)
})

describe('decisions are explained', () => {
  test('to everybody in development', async () => {
    const { body } = await post('development', '/graphql', explained)
    expect(body['extensions'].authorization).toEqual([
      { path: ['open'], coordinate: 'Query.open', decision: 'allowed', requirements: [] },
    ])
    expect(body['extensions'].fetches).toMatchObject([
      {
        subgraph: 'graph',
        query: '{open}',
        outcome: 'answered',
        claimsHeader: { aud: 'graph', claims: null },
      },
    ])
  })

  test('with what is missing', async () => {
    const { body } = await post('development', '/graphql', { ...explained, query: '{ secret }' })
    expect(body['extensions'].authorization[0]).toMatchObject({
      decision: 'denied',
      missing: { authenticated: true, scopes: [[markup]] },
    })
    expect(body['extensions'].fetches).toEqual([])
  })

  test('to nobody in production, and where the page is off', async () => {
    for (const name of withoutPage) {
      const token = await issuer.accessToken({ scope: 'console' })
      expect((await post(name, '/graphql', explained, token)).body['extensions']).toBeUndefined()
    }
  })

  test('to callers with the scope, if there is one', async () => {
    const [yes, no] = await Promise.all(
      ['console', 'other'].map((scope) => issuer.accessToken({ scope })),
    )
    const name = 'for a scope'
    expect((await post(name, '/graphql', explained)).body['extensions']).toBeUndefined()
    expect((await post(name, '/graphql', explained, no)).body['extensions']).toBeUndefined()
    expect((await post(name, '/graphql', explained, yes)).body['extensions'].fetches).toHaveLength(
      1,
    )
    expect((await fetch(`${origin(name)}/console/graph`)).status).toBe(401)
    const credential = no
    expect((await post(name, '/console/token', { credential })).status).toBe(401)
    expect((await post(name, '/console/token', { credential }, no)).status).toBe(403)
    expect((await post(name, '/console/token', { credential }, yes)).body).toMatchObject({
      decision: 'accepted',
      payload: { scope: 'other' },
      forwardedClaims: [{ subgraph: null, claims: { scope: 'other' } }],
    })
  })

  test('but an address that sends bad tokens locks out itself alone', async () => {
    const statusFrom = async (address: string) => {
      const headers = { authorization: 'Bearer bad', 'x-forwarded-for': address }
      const response = await fetch(`${origin('for a scope')}/console/graph`, { headers })
      await response.text()
      return response.status
    }
    const attacker: number[] = []
    for (let count = 0; count < 4; count++) attacker.push(await statusFrom('192.0.2.1'))
    expect(attacker).toEqual([401, 401, 401, 429])
    expect(await statusFrom('198.51.100.1')).toBe(401)
  })

  test('but no more bad credentials of a network are judged than may fail', async () => {
    const ask = async (credential: string, address: string) => {
      const response = await fetch(`${origin('for everybody')}/console/token`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify({ credential }),
      })
      return ((await response.json()) as { decision: string }).decision
    }
    const good = await issuer.accessToken()
    const decisions: string[] = []
    for (const credential of [good, good, 'a', 'b', 'c', 'd', good]) {
      decisions.push(await ask(credential, '192.0.2.1'))
    }
    const [malformed, exceeded] = ['TOKEN_MALFORMED', 'AUTHENTICATION_RATE_EXCEEDED']
    expect(decisions.slice(0, 5)).toEqual(['accepted', 'accepted', malformed, malformed, malformed])
    expect(decisions.slice(5)).toEqual([exceeded, exceeded])
    expect(await ask(good, '198.51.100.1')).toBe('accepted')
  })

  test('with the guards of the graph, and the ways around them', async () => {
    const response = await fetch(`${origin('development')}/console/graph`)
    const { types, unguardedPaths } = (await response.json()) as Record<string, any>
    expect(types).toMatchObject([
      { name: 'Private', fields: [{ name: 'text', type: 'String', subgraphs: ['graph'] }] },
      {
        name: 'Query',
        fields: [
          { name: 'secret', description: markup },
          { name: 'failing', guards: [] },
          { name: 'open', guards: [] },
          { name: 'private', guards: ['@authenticated on Query.private'] },
          { name: 'owner' },
        ],
      },
      { name: 'Shop', fields: [{ name: 'private', guards: [] }] },
    ])
    expect(unguardedPaths).toMatchObject([
      {
        coordinate: 'Shop.private',
        message: expect.stringContaining('any caller reaches Private'),
      },
    ])
  })

  test('of a token, or of the one that the request itself has', async () => {
    const token = await issuer.accessToken({ sub: '7' })
    const accepted = { decision: 'accepted', payload: { sub: '7' } }
    expect((await post('development', '/console/token', {}, token)).body).toMatchObject(accepted)
    const headers = { cookie: `session=${token}` }
    expect((await askAboutToken('{}', headers)).body).toMatchObject(accepted)
    const other = { credential: 'none' }
    expect((await post('development', '/console/token', other, token)).body).toMatchObject({
      decision: 'TOKEN_MALFORMED',
    })
  })

  const how = 'send {"credential": "..."}, or {} for the credential of the request itself'
  test.each([
    ['half an object', '{ "credential": secret', 400, `The body is not valid JSON: ${how}`],
    ['nothing', '', 400, `The body is not valid JSON: ${how}`],
    ['null', 'null', 400, `The body is not a JSON object: ${how}`],
    ['a list', '["secret"]', 400, `The body is not a JSON object: ${how}`],
    ['a number', '{ "credential": 1 }', 400, `\`credential\` is not a string: ${how}`],
    ['none', '{}', 400, `The request itself has no credential: ${how}`],
    [
      'too much',
      `{"credential":"${'x'.repeat(30_000)}"}`,
      413,
      'The request body is larger than 20 KB',
    ],
  ])(
    'a request about a token that is malformed gets what to do instead: %s',
    async (_what, body, status, message) => {
      const response = await askAboutToken(body)
      expect(response).toMatchObject({ status, body: { errors: [{ message }] } })
    },
  )

  test('to no page of another origin', async () => {
    const token = await issuer.accessToken()
    const cookie = `session=${token}`
    const own = origin('development')
    for (const headers of [
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site' },
      { origin: 'http://localhost:1' },
    ]) {
      const { status } = await askAboutToken('{}', { cookie, ...headers })
      expect(status).toBe(403)
    }
    for (const headers of [{ 'sec-fetch-site': 'same-origin', origin: own }, { origin: own }]) {
      expect((await askAboutToken('{}', { cookie, ...headers })).status).toBe(200)
    }
    const form = { 'content-type': 'text/plain', cookie }
    expect((await askAboutToken('{}', form)).status).toBe(415)
  })

  test('no request about a token is an error of the gateway', async () => {
    expect(
      gateways
        .get('development')!
        .log()
        .filter(({ level }) => Number(level) >= 50),
    ).toEqual([])
  })
})

if (browserPath === undefined) console.log(noBrowser)
const describeInBrowser = browserPath === undefined ? describe.skip : describe

describeInBrowser('a text of the graph that tries to be markup', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  test('is a text in the response, in the decision and in the completion', async () => {
    const { page, complaints, close } = await openPage(browser, `${origin('development')}/`)
    const dialogs: string[] = []
    page.on('dialog', (dialog) => void dialogs.push(dialog.message()))
    await writeOperation(page, '{ open failing secret }')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText(`needs a token, and the scope ${markup}`).waitFor()
    const response = page.getByRole('region', { name: 'JSON of the response' })
    expect((await response.textContent())!.split('onerror').length).toBeGreaterThan(2)

    await writeOperation(page, '{ secre }')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ArrowLeft')
    await page.keyboard.press('ControlOrMeta+Space')
    await page.locator('.cm-completionInfo').getByText(markup).waitFor()
    expect(await page.locator('img, script:not([src])').count()).toBe(0)
    expect(dialogs).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })
})
