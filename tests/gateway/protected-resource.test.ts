/** How a client that knows only the address of the gateway finds out where to get an access token (RFC 9728). */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { resourceMetadata } from '../../gateway/http/protected-resource.ts'
import { testKey } from '../authentication/support/test-issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'

const publicUrl = 'https://api.example.com/shop/graphql'
const metadata = 'https://api.example.com/.well-known/oauth-protected-resource/shop/graphql'
const wellKnown = '/.well-known/oauth-protected-resource'

const key = await testKey()
const keys = `jwks: { keys: [${JSON.stringify(key.jwk)}] }, audiences: [portcullis]`

/** No subgraph gets any of the requests. */
const source = (scope: string) => ({
  name: 'shop',
  url: 'http://127.0.0.1:1/',
  sdl: `
    extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated", "@requiresScopes"])
    type Query { mine: String @authenticated wages: String @requiresScopes(scopes: [["wages", "read"], ["admin"]]) }
    type Subscription { orders: Order @authenticated }
    type Order { id: ID total: Int @requiresScopes(scopes: [["${scope}"]]) }
  `,
})

let gateway: RunningGateway
beforeAll(async () => {
  gateway = await runGateway(
    [source('orders:read')],
    `
authentication:
  issuers:
    - { issuer: 'https://id.example.com', ${keys} }
    - { issuer: 'https://login.example.com/{tenantid}/v2.0', tenants: [a, b], subject_prefix: b, ${keys} }
    - { issuer: internal, subject_prefix: c, ${keys} }
  api_keys: { token_endpoint: 'https://id.example.com/token' }
authorization: { show_requirements: true }
http:
  public_url: ${publicUrl}
  resource_metadata: { name: The "shop", documentation: 'https://docs.example.com' }
`,
  )
})
afterAll(() => gateway?.close())

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function send(
  path: string,
  headers: Record<string, string | string[]> = {},
  { method = 'GET', body = '' } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(gateway.origin + path, { method, headers })
    request.on('error', reject)
    request.on('response', async (response) => {
      const body = await readText(response)
      resolve({ status: response.statusCode!, headers: response.headers, body })
    })
    request.end(body)
  })
}

async function documentAt(path = wellKnown): Promise<Record<string, unknown>> {
  return JSON.parse((await send(path)).body)
}

function token(scope = ''): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'ES256', kid: key.keyId, typ: 'at+jwt' })
    .setIssuer('https://id.example.com')
    .setAudience('portcullis')
    .setSubject('1')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key.privateKey)
}

const described = {
  resource: publicUrl,
  authorization_servers: [
    'https://id.example.com',
    'https://login.example.com/a/v2.0',
    'https://login.example.com/b/v2.0',
  ],
  scopes_supported: ['admin', 'orders:read', 'read', 'wages'],
  bearer_methods_supported: ['header'],
  resource_name: 'The "shop"',
  resource_documentation: 'https://docs.example.com',
}

describe('with the public client oauth4webapi', () => {
  const requested: string[] = []
  /** Stands for the proxy in front of the gateway, which removes the prefix of the graph only. */
  const throughProxy = (url: string, init: object): Promise<Response> => {
    requested.push(url)
    return fetch(gateway.origin + new URL(url).pathname.replace(/^\/shop/, ''), init)
  }

  test('a client finds the issuer and the scopes', async () => {
    const resource = new URL(publicUrl)
    const refusal = await oauth
      .protectedResourceRequest(
        await token(),
        'POST',
        resource,
        new Headers({
          'content-type': 'application/json',
          accept: 'application/graphql-response+json',
        }),
        JSON.stringify({ query: '{ wages }' }),
        { [oauth.customFetch]: throughProxy },
      )
      .catch((error: unknown) => error as oauth.WWWAuthenticateChallengeError)
    expect(refusal).toMatchObject({
      status: 403,
      cause: [
        {
          scheme: 'bearer',
          parameters: {
            error: 'insufficient_scope',
            scope: 'admin',
            resource_metadata: metadata,
          },
        },
      ],
    })
    const response = await oauth.resourceDiscoveryRequest(resource, {
      [oauth.customFetch]: throughProxy,
    })
    expect(await oauth.processResourceDiscoveryResponse(resource, response)).toEqual(described)
    expect(requested).toEqual([publicUrl, metadata])
  })

  test('a client refuses the metadata for another address than that of the graph', async () => {
    const other = new URL('https://api.example.com')
    const response = await oauth.resourceDiscoveryRequest(other, {
      [oauth.customFetch]: throughProxy,
    })
    await expect(oauth.processResourceDiscoveryResponse(other, response)).rejects.toThrow(
      'resource',
    )
  })
})

describe('every challenge', () => {
  const ask = (headers: Record<string, string | string[]>, query = '{ mine }') =>
    send(
      '/graphql',
      {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...headers,
      },
      { method: 'POST', body: JSON.stringify({ query }) },
    )
  const bearer = async () => `Bearer ${await token()}`
  const broken = { authorization: 'Bearer broken' }
  const stream = 'subscription { orders { id } }'
  const upgrade = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'sec-websocket-protocol': 'graphql-transport-ws',
  }

  test.each<[string, number, () => Promise<Answer>]>([
    ['no token', 401, () => ask({})],
    ['a token that is not valid', 401, () => ask(broken)],
    ['too few scopes', 403, async () => ask({ authorization: await bearer() }, '{ wages }')],
    ['another scheme', 401, () => ask({ authorization: 'Basic YTpi' })],
    ['two tokens', 400, () => ask({ authorization: ['Bearer a', 'Bearer b'] })],
    ['a query by GET', 401, () => send('/graphql?query={mine}', broken)],
    ['an event stream', 401, () => ask({ ...broken, accept: 'text/event-stream' }, stream)],
    [
      'a multipart response',
      401,
      () => ask({ ...broken, accept: 'multipart/mixed;subscriptionSpec=1.0' }, stream),
    ],
    ['a WebSocket', 401, () => send('/graphql', { ...broken, ...upgrade })],
  ])('names the metadata: %s', async (_name, status, refused) => {
    const { status: got, headers } = await refused()
    expect(got).toBe(status)
    expect(headers['www-authenticate']).toMatch(/^Bearer realm="portcullis", /)
    expect(headers['www-authenticate']).toContain(`, resource_metadata="${metadata}"`)
  })
})

describe('the document', () => {
  test.each([wellKnown, `${wellKnown}/graphql`, `${wellKnown}/shop/graphql`, `${wellKnown}?a=b`])(
    'is at %s, for everybody, for five minutes',
    async (path) => {
      const { status, headers, body } = await send(path, { origin: 'https://page.example' })
      expect(status).toBe(200)
      expect(JSON.parse(body)).toEqual(described)
      expect(headers).toMatchObject({
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'public, max-age=300',
        'access-control-allow-origin': '*',
      })
      expect(headers['access-control-allow-credentials']).toBeUndefined()
    },
  )

  test.each([`${wellKnown}/shop`, `${wellKnown}/graphql/x`, `${wellKnown}-x`, '/shop/graphql'])(
    'is not at %s',
    async (path) => expect((await send(path)).status).toBe(404),
  )

  test('the Host header changes nothing', async () => {
    const { body } = await send(wellKnown, {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      forwarded: 'host=evil.example;proto=http',
    })
    expect(JSON.parse(body)).toEqual(described)
  })

  test('has a length and no body by HEAD', async () => {
    const { status, headers, body } = await send(wellKnown, {}, { method: 'HEAD' })
    expect([status, body]).toEqual([200, ''])
    expect(headers['content-length']).toBe(String(JSON.stringify(described).length))
  })

  test('may be read by pages that send headers of their own', async () => {
    const preflight = {
      origin: 'https://page.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'mcp-protocol-version',
    }
    const { status, headers } = await send(wellKnown, preflight, { method: 'OPTIONS' })
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET,HEAD',
      'access-control-allow-headers': 'mcp-protocol-version',
    })
  })

  test.each(['POST', 'PUT', 'DELETE', 'PATCH'])('is not for %s', async (method) => {
    const { status, headers, body } = await send(wellKnown, {}, { method })
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(JSON.parse(body).errors[0].message).toBe(
      'The method is not allowed: read this document by GET',
    )
  })

  test('members without a value are left out', () => {
    const nothing = { url: publicUrl, authorizationServers: [], scopes: [] }
    expect(resourceMetadata(nothing)).toEqual({
      resource: publicUrl,
      bearer_methods_supported: ['header'],
    })
  })

  test('has the scopes of a new supergraph', async () => {
    gateway.replaceSupergraph([source('orders:all')])
    await until(async () =>
      JSON.stringify(await documentAt()).includes('"admin","orders:all","read","wages"'),
    )
  })

  test.each([
    ['with show_requirements: false', 'show_requirements: true', 'show_requirements: false', false],
    ['unless they are asked for', 'name: The', 'scopes: true, name: The', true],
    ['with scopes: false', 'scopes: true', 'scopes: false', false],
  ])('has no scopes %s', async (_name, before, after, hasScopes) => {
    gateway.configure((config) => config.replace(before, after))
    await gateway.reload()
    expect('scopes_supported' in (await documentAt())).toBe(hasScopes)
  })

  test('is gone without public_url, and challenges do not name it', async () => {
    gateway.configure((config) => config.slice(0, config.indexOf('http:\n')))
    await gateway.reload()
    expect((await send(wellKnown)).status).toBe(404)
    const { headers } = await send('/graphql?query={mine}', { authorization: 'Bearer broken' })
    expect(headers['www-authenticate']).toMatch(/^Bearer realm/)
    expect(headers['www-authenticate']).not.toContain('resource_metadata')
  })
})
