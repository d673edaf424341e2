/** docs/identity-providers.md: each entry accepts the tokens of its provider, and no others. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createHmac } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { pino } from 'pino'
import { Agent } from 'undici'
import type { Dispatcher } from 'undici'
import { parse, stringify } from 'yaml'
import { systemClock } from '../../gateway/authentication/clock.ts'
import { explainToken } from '../../gateway/authentication/explain-token.ts'
import { documentFetcher } from '../../gateway/authentication/fetch-document.ts'
import type { DocumentSource } from '../../gateway/authentication/fetch-document.ts'
import { trustedIssuers } from '../../gateway/authentication/trusted-issuers.ts'
import { claimRules } from '../../gateway/configuration/claims.ts'
import { issuerPresets } from '../../gateway/configuration/issuer-presets.ts'
import { configInFull, readConfig } from '../../gateway/configuration/read-config.ts'
import { suggestEntry, suggestSettings } from '../../gateway/configuration/suggest-settings.ts'
import { adviseOnToken } from '../../gateway/configuration/token-advice.ts'
import { tokenReport } from '../../scripts/explain-token/token-report.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { snippets, tableRows } from '../documentation/pages.ts'
import { oktaOrg, providers, strangeKeys, supabaseSecret } from './support/identity-providers.ts'
import type { Provider, ShapedToken } from './support/identity-providers.ts'
import { testAuthenticator } from './support/test-authenticator.ts'
import type { TestAuthenticator } from './support/test-authenticator.ts'
import { forge, json } from './support/test-issuer.ts'

const page = 'docs/identity-providers.md'
const folder = scratchFolder()
const entries = snippets(page, 'yaml')
mkdirSync(join(folder, 'secrets'))
writeFileSync(join(folder, 'secrets/okta-client'), 'the secret of the client')
const environment = {
  SUPABASE_JWT_SECRET_BASE64URL: Buffer.from(supabaseSecret).toString('base64url'),
  JWT_SECRET_BASE64URL: Buffer.from(supabaseSecret).toString('base64url'),
}
const closing: (() => void | Promise<unknown>)[] = []

/** Publishes the documents of all providers: `https://host/path` at `/host/path`. */
let server: Server
let origin: string
/** What the introspection endpoint says of a token. */
let introspected: (token: string) => object = () => ({ active: false })

beforeAll(async () => {
  const documents = Object.assign({}, ...providers.map(({ documents }) => documents))
  server = createServer(async (request, response) => {
    if (request.url === '/dev-123456.okta.com/oauth2/v1/introspect') {
      const form = new URLSearchParams(await readText(request))
      return json(response, introspected(form.get('token')!))
    }
    const document = documents[`https:/${request.url}`]
    if (document) return json(response, document, { 'cache-control': 'public, max-age=3600' })
    response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterAll(async () => {
  for (const close of closing) await close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

/** Fetches over HTTP, from the server of this test in the place of the hosts of the providers. */
function documents(): DocumentSource {
  const { fetch, close } = documentFetcher()
  return { fetch: (url, options) => fetch(url.replace('https:/', origin), options), close }
}

/** Sends every other request to that server, too. */
function dispatcher(): Dispatcher {
  const agent = new Agent()
  closing.push(() => agent.destroy())
  return agent.compose((dispatch) => (options, handler) => {
    const path = `/${new URL(String(options.origin)).host}${options.path}`
    return dispatch({ ...options, origin, path }, handler)
  })
}

/** Returns the configuration of such a file. */
function configOf(text: string) {
  const path = join(folder, 'gateway.yaml')
  writeFileSync(path, text.replace('${file./run/', '${file.'))
  return readConfig(path, environment)
}

function gatewayWith(text: string): TestAuthenticator {
  const { authentication, claims } = configOf(text)
  const parts = { claims: claimRules(claims), documents: documents(), dispatcher: dispatcher() }
  const subject = testAuthenticator(authentication.issuers, {}, parts)
  closing.push(subject.close)
  return subject
}

/** Returns the text of the entry below the heading on the page. */
function entryOf({ heading }: Pick<Provider, 'heading'>): string {
  const found = entries.filter((entry) => entry.heading === heading)
  expect(found).toHaveLength(1)
  return found[0]!.text
}

function signed({ header, claims, key }: ShapedToken): string {
  if (key.algorithm !== 'HS256') return forge(key, header, claims)
  const encoded = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const input = encoded.join('.')
  const secret = Buffer.from(key.jwk.k!, 'base64url')
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

test('each entry on the page has a provider here, in the same order', () => {
  const headings = entries.map(({ heading }) => heading)
  const [custom, ...others] = providers.map(({ heading }) => heading)
  expect([custom, oktaOrg.heading, ...others]).toEqual(headings)
})

describe('Okta, org authorization server', () => {
  test('is asked about its tokens, whose audience is the client', async () => {
    const gateway = gatewayWith(entryOf(oktaOrg))
    const tokens = Object.fromEntries(
      Object.entries(oktaOrg.tokens).map(([name, token]) => [name, signed(token)]),
    )
    introspected = (text) => {
      const [name] = Object.entries(tokens).find(([, token]) => token === text) ?? []
      const response = name && oktaOrg.responses[name]
      return response ? { active: true, ...response } : { active: false }
    }
    expect(await gateway.ask(tokens.good)).toMatchObject({
      issuer: 'https://dev-123456.okta.com',
      claims: { sub: 'john.doe@example.com', scope: 'openid profile email' },
    })
    expect(await gateway.ask(tokens.otherClient)).toBe('AUDIENCE_MISMATCH')
    expect(await gateway.ask(tokens.expired)).toBe('TOKEN_INACTIVE')
    expect(await gateway.ask(tokens.customServer)).toBe('ISSUER_UNKNOWN')
  })
})

describe.each(providers.map((provider) => [provider.heading, provider] as const))(
  '%s',
  (_heading, provider) => {
    const { token, known, refused } = provider
    const now = Math.floor(Date.now() / 1_000)
    let gateway: TestAuthenticator
    beforeAll(() => void (gateway = gatewayWith(entryOf(provider))))

    test('a token is accepted with the entry of the page', async () => {
      const caller = await gateway.ask(signed(token))
      expect(caller).toMatchObject({ issuer: token.claims.iss })
      expect(caller).toHaveProperty('claims')
      expect({ ...(caller as { claims: object }).claims }).toMatchObject(
        Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
      )
      for (const [name, value] of Object.entries(known)) {
        if (value === undefined) expect(caller).not.toHaveProperty(['claims', name])
      }
    })

    test.each(Object.entries(refused))('%s is refused', async (_name, [other, reason]) => {
      expect(await gateway.ask(signed(other))).toBe(reason)
    })

    test('one that has expired, and one by another key, are refused', async () => {
      const expired = { ...token, claims: { ...token.claims, iat: now - 7_200, exp: now - 3_600 } }
      expect(await gateway.ask(signed(expired))).toBe('TOKEN_EXPIRED')
      const algorithm = token.key.algorithm
      const strange =
        algorithm === 'HS256'
          ? { ...token.key, jwk: { k: Buffer.alloc(32).toString('base64url') } }
          : strangeKeys[algorithm as keyof typeof strangeKeys]
      expect(await gateway.ask(signed({ ...token, key: strange as typeof token.key }))).toBe(
        'SIGNATURE_INVALID',
      )
    })

    test('explain-token names the settings that the token needs', async () => {
      const [entry] = parse(entryOf(provider)).authentication.issuers
      const [inFull] = parse(fullTextOf(entryOf(provider))).authentication.issuers
      const { issuer, tenants, audiences, discovery, jwks_uri, jwks } = inFull
      // An HS token cannot have keys of another kind beside its own.
      const algorithms = jwks ? { algorithms: ['HS256'] } : {}
      const bare = { issuer, tenants, audiences, discovery, jwks_uri, jwks, ...algorithms }
      const accepts = async (settings: object) => {
        const entry = JSON.parse(JSON.stringify({ ...bare, ...settings }))
        return explained(stringify({ authentication: { issuers: [entry] } }), signed(token))
      }
      const {
        decision,
        token: read,
        issuer: options,
      } = await accepts({
        ...(jwks ? { jwks: { keys: [{ ...jwks.keys[0], kid: 'x' }] } } : {}),
      })
      expect(decision).not.toBe('accepted')
      const settings = suggestSettings(read!, options!)
      const verdict = await accepts(settings)
      expect([verdict.decision, settings]).toEqual(['accepted', settings])
      if (known.scope !== undefined) {
        expect(verdict.claims).toHaveProperty('scope')
      }

      const suggested = suggestEntry(read!)
      if (tenants) return
      expect(suggested).toMatchObject({ preset: entry.preset, issuer })
      const text = stringify({ authentication: { issuers: [suggested] } })
      expect((await explained(text, signed(token))).decision).toBe('accepted')
    })
  },
)

function fullTextOf(text: string): string {
  const path = join(folder, 'in-full.yaml')
  writeFileSync(path, text)
  return configInFull(path)
}

/** Returns what explain-token says of the token with that configuration. */
async function explained(text: string, token: string) {
  const { authentication, claims } = configOf(text)
  const { fetch, close } = documents()
  const issuers = trustedIssuers(authentication.issuers, {
    claims: claimRules(claims),
    fetch,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    onKeysChanged: () => {},
  })
  const explanation = await explainToken(token, { issuers, clock: systemClock })
  await issuers.close()
  await close()
  return explanation
}

describe('what explain-token says with a configuration that knows none of the providers', () => {
  const bare =
    'authentication: { issuers: [{ issuer: https://id.example.com, jwks_uri: http://127.0.0.1:1/, audiences: [portcullis] }] }'

  /** Returns the text below the checks. */
  async function said(token: string, text = bare): Promise<string> {
    const explanation = await explained(text, token)
    const configured = configOf(text).authentication.issuers.map(({ issuer }) => issuer)
    const report = tokenReport(explanation, [], adviseOnToken(token, explanation, configured))
    return report.slice(report.indexOf('Decision'))
  }

  const unknown =
    'Decision         refused with 401 UNAUTHENTICATED, ISSUER_UNKNOWN: The access token was issued by an unknown issuer'
  const add = 'If such tokens are meant for this gateway, add an entry to its configuration:'

  test.each(
    [...providers, { heading: oktaOrg.heading, token: oktaOrg.tokens.good }].map(
      (provider) => [provider.heading, provider] as const,
    ),
  )('%s: the entry of the page, ready to be copied', async (_heading, provider) => {
    const text = await said(signed(provider.token))
    const [entry] = parse(entryOf(provider)).authentication.issuers
    const { issuers } = parse(text.slice(text.indexOf('  authentication:'))).authentication
    expect(text.startsWith(unknown)).toBe(true)
    expect(text).toContain(add)
    // A token names its own tenant only.
    const ofOneTenant = {
      preset: 'entra-v2',
      issuer: provider.token.claims.iss,
      tenants: undefined,
    }
    const expected = entry.tenants ? { ...entry, ...ofOneTenant } : entry
    const [suggested] = JSON.parse(
      JSON.stringify(issuers).replace('env.JWT_SECRET', 'env.SUPABASE_JWT_SECRET'),
    )
    expect(suggested).toEqual(JSON.parse(JSON.stringify(expected)))
  })

  test('the text of a whole suggestion', async () => {
    const provider = providers.find(({ heading }) => heading === 'Auth0')!
    expect(await said(signed(provider.token))).toBe(`${unknown}

${add}

  authentication:
    issuers:
      - preset: auth0
        issuer: https://example.eu.auth0.com/
        audiences: [https://api.example.com]`)
  })

  const lookalike = (heading: string, name: string) =>
    signed(providers.find((provider) => provider.heading === heading)!.refused[name]![0])
  const encrypted = 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn'

  test.each<[string, string, string, boolean]>([
    ...['Custom authorization server', 'Auth0', 'Version 2', 'Amazon Cognito', 'Keycloak'].map(
      (heading): [string, string, string, boolean] => [
        `an ID token of ${heading}`,
        lookalike(heading, 'an ID token'),
        'It is an ID token',
        true,
      ],
    ),
    ['a refresh token', lookalike('Keycloak', 'a refresh token'), 'It is a refresh token', false],
    ['for Graph', lookalike('Version 1', 'one for Microsoft Graph'), 'for Microsoft Graph', false],
    ['encrypted', encrypted, 'It is encrypted: only its issuer can read it', true],
    [
      'signed with a shared secret',
      signed(providers.find(({ heading }) => heading === 'Shared secret')!.token),
      'It is signed with a shared secret',
      true,
    ],
  ])('%s: a remark', async (_name, token, remark, hasSettings) => {
    const text = await said(token)
    expect(text).toContain(remark)
    expect(text.includes(add)).toBe(hasSettings)
  })

  test('an entry whose issuer lacks the slash at the end', async () => {
    const provider = providers.find(({ heading }) => heading === 'Auth0')!
    const without = entryOf(provider).replace('auth0.com/', 'auth0.com')
    expect(await said(signed(provider.token), without)).toBe(`${unknown}

The entry of https://example.eu.auth0.com is for another issuer: the slash at the end counts.

If such tokens are meant for this gateway, the entry of their issuer needs:

  issuer: https://example.eu.auth0.com/`)
  })
})

describe('presets', () => {
  test('the page lists every preset with its settings', () => {
    const rows = tableRows(page).filter(({ heading }) => heading === 'Presets')
    const listed = rows.map(({ cells: [name, settings] }) => [
      name!.replaceAll('`', ''),
      parse(settings!.replaceAll('`', '').replaceAll('<br>', '\n')),
    ])
    expect(Object.fromEntries(listed)).toEqual(issuerPresets)
  })

  test('`config show` prints the entry in full, which means the same', () => {
    for (const { text } of entries) {
      const full = fullTextOf(text)
      expect(full).not.toContain('preset')
      expect(configOf(full).authentication).toEqual(configOf(text).authentication)
    }
  })

  test('a setting of the entry replaces that of the preset', () => {
    const entry = 'issuer: https://a.example, audiences: [x], preset: auth0'
    const issuerOf = (more: string) =>
      configOf(`authentication: { issuers: [{ ${entry}, ${more} }] }`).authentication.issuers[0]!
    expect(issuerOf('scopes_claim: roles')).toMatchObject({
      scopesClaims: ['roles'],
      algorithms: ['RS256'],
      keys: { kind: 'discovery' },
    })
    expect(issuerOf('jwks_uri: https://a.example/keys').keys).toEqual({
      kind: 'url',
      url: 'https://a.example/keys',
    })
  })

  test('an unknown preset is reported', () => {
    const text =
      'authentication: { issuers: [{ preset: acme, issuer: https://a.example, audiences: [x], discovery: true }] }'
    expect(() => configOf(text)).toThrow(/issuers\[0\].preset: .*"okta"/)
  })
})
