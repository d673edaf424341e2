/** Which headers pass the gateway by which rules, to subgraphs and back, and what becomes of several responses. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Caller, PassedHeader } from '../../gateway/client-request.ts'
import {
  isIdentityHeader,
  whyNeverReturned,
  whyNeverSent,
} from '../../gateway/forwarding/header-names.ts'
import type { HeaderRule } from '../../gateway/forwarding/header-rules.ts'
import { namePatterns } from '../../gateway/forwarding/name-pattern.ts'
import { subgraphForwarding } from '../../gateway/forwarding/subgraph-headers.ts'
import type { ForwardingOptions } from '../../gateway/forwarding/subgraph-headers.ts'
import type { ResponseError } from '../../gateway/graphql/response-error.ts'
import { Additions } from '../../gateway/http/added-to-response.ts'
import { resultResponse } from '../../gateway/http/result-response.ts'
import { deriveClaimsKey } from '../../subgraphs/kit/claims-header.ts'

const key = deriveClaimsKey('a secret that only these tests know about', 'users')

function forwardingOf(options: Partial<ForwardingOptions>) {
  return subgraphForwarding({
    subgraph: 'users',
    signingKey: { algorithm: 'HS256', key },
    narrow: (claims) => claims,
    ...options,
  })
}

type ClientHeaders = NonNullable<Caller['headers']>

/** Returns the headers that a subgraph gets, besides the claims header. */
function sent(
  requestHeaders: readonly HeaderRule[],
  headers: ClientHeaders,
  options: Partial<ForwardingOptions> = {},
) {
  const forwarding = forwardingOf({ requestHeaders, ...options })
  const { 'gateway-claims': _claims, ...others } = forwarding.headers({ claims: null, headers })
  return others
}

const everything: HeaderRule[] = [{ propagate: { matching: ['*'] } }]
const named = (...names: string[]): HeaderRule => ({ propagate: { named: names } })
const matching = (...patterns: string[]): HeaderRule => ({ propagate: { matching: patterns } })

describe('a pattern', () => {
  test.each([
    ['x-acme-*', ['x-acme-', 'x-acme-a'], ['x-acme', 'xx-acme-a', 'a-x-acme-a']],
    ['*-acme', ['x-acme', '-acme'], ['x-acme-a']],
    ['x-*-id', ['x--id', 'x-order-id', 'x-a-id-id'], ['x-id', 'x-order-idx']],
    ['a*b*c', ['abc', 'axbxc', 'abbcc'], ['ab', 'acb', 'ac']],
    ['a*a', ['aa', 'aba'], ['a']],
    ['*', ['', 'anything'], []],
    ['x-a', ['x-a'], ['x-ab', '', 'X-A']],
  ])('%s matches %j, and not %j', (pattern, matched, others) => {
    const matches = namePatterns([pattern])
    expect(matched.filter((name) => !matches(name))).toEqual([])
    expect(others.filter(matches)).toEqual([])
  })

  test('matches what a regular expression would, of any name', () => {
    const letters = (extra: string) => fc.string({ unit: fc.constantFrom('a', 'b', ...extra) })
    fc.assert(
      fc.property(letters('*'), letters(''), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll(/\*+/g, '.*')}$`).test(name)
        expect(namePatterns([pattern])(name)).toBe(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  test('of many stars needs no exponential time for a long name', () => {
    expect(namePatterns([`${'a*'.repeat(49)}b`])('a'.repeat(16_000))).toBe(false)
  })
})

describe('headers of the client', () => {
  test('reach no subgraph without a rule', () => {
    expect(sent([], { 'x-acme-order': ['1'] })).toEqual({})
  })

  test('pass by name, under another name, or by a pattern', () => {
    const rules = [
      named('accept-language', 'x-stage'),
      { propagate: { named: ['x-old'], rename: 'x-new' } },
      matching('x-acme-*', 'x-other-*'),
    ]
    const headers = {
      'accept-language': ['de'],
      'x-old': ['1'],
      'x-acme-order': ['2'],
      'x-other-a': ['3'],
      'x-unnamed': ['4'],
    }
    expect(sent(rules, headers)).toEqual({
      'accept-language': 'de',
      'x-new': '1',
      'x-acme-order': '2',
      'x-other-a': '3',
    })
  })

  test('have the default if the client sends none, and only then', () => {
    const rule = { propagate: { named: ['x-stage'], default: 'main' } }
    expect(sent([rule], {})).toEqual({ 'x-stage': 'main' })
    expect(sent([rule], { 'x-stage': ['beta'] })).toEqual({ 'x-stage': 'beta' })
    expect(sent([rule], { 'x-stage': [''] })).toEqual({ 'x-stage': '' })
  })

  test('that are there several times are joined (RFC 9110 section 5.3)', () => {
    expect(sent([named('x-list')], { 'x-list': ['a', 'b, c'] })).toEqual({ 'x-list': 'a, b, c' })
  })

  test('are set by the first rule that has a value', () => {
    const rules = [named('x-new'), { propagate: { named: ['x-old'], rename: 'x-new' } }]
    expect(sent(rules, { 'x-new': ['1'], 'x-old': ['2'] })).toEqual({ 'x-new': '1' })
    expect(sent(rules, { 'x-old': ['2'] })).toEqual({ 'x-new': '2' })
  })

  test('are taken back by a later rule, by their names behind the gateway', () => {
    const rules: HeaderRule[] = [
      matching('x-acme-*'),
      { propagate: { named: ['x-old'], rename: 'x-new' } },
      { remove: { named: ['x-new', 'x-acme-a'] } },
      { remove: { matching: ['x-acme-b*'] } },
    ]
    const headers = { 'x-old': ['1'], 'x-acme-a': ['2'], 'x-acme-bb': ['3'], 'x-acme-c': ['4'] }
    expect(sent(rules, headers)).toEqual({ 'x-acme-c': '4' })
  })

  test.each(['constructor', 'toString', 'valueOf', 'x-__proto__'])(
    'have any name, such as %s',
    (name) => {
      expect(sent([named(name.toLowerCase())], {})).toEqual({})
      const headers = { [name.toLowerCase()]: ['1'] }
      expect(sent([named(name.toLowerCase())], headers)).toEqual({ [name.toLowerCase()]: '1' })
    },
  )

  test('named by Connection end at the gateway (RFC 9110 section 7.6.1)', () => {
    const headers = { connection: ['close, X-Acme-A', 'x-acme-b'], 'x-acme-a': ['1'] }
    const more = { ...headers, 'x-acme-b': ['2'], 'x-acme-c': ['3'] }
    expect(sent([named('x-acme-a'), matching('x-acme-*')], more)).toEqual({ 'x-acme-c': '3' })
    const rule = { propagate: { named: ['x-acme-a'], default: 'none' } }
    expect(sent([rule], headers)).toEqual({ 'x-acme-a': 'none' })
  })

  test.each(['a\r\nb: c', 'a\0', 'a\x7f', 'Ж'])('with the value %j do not pass', (value) => {
    expect(sent([named('x-a'), matching('x-*')], { 'x-a': [value] })).toEqual({})
  })

  test('are selected once for all requests to the subgraph', () => {
    let times = 0
    const ownKeys = (target: object) => {
      times++
      return Reflect.ownKeys(target)
    }
    const headers = new Proxy<ClientHeaders>({ 'x-acme-a': ['1'] }, { ownKeys })
    const forwarding = forwardingOf({ requestHeaders: [matching('x-acme-*')] })
    for (let call = 0; call < 3; call++) {
      const caller = { claims: null, headers }
      expect(forwarding.headers(caller)).toMatchObject({ 'x-acme-a': '1' })
      expect(forwarding.deduplicationKey(caller)).toContain('x-acme-a')
    }
    expect(times).toBe(1)
  })

  test('may have characters of latin1', () => {
    expect(sent([named('x-a')], { 'x-a': ['caf\xe9\t!'] })).toEqual({ 'x-a': 'caf\xe9\t!' })
  })
})

const neverSent = [
  ...['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
  ...['upgrade', 'http2-settings', 'proxy-authorization', 'proxy'],
  ...['host', 'content-length', 'content-type', 'content-encoding', 'content-digest', 'expect'],
  ...['accept', 'accept-encoding', 'range', 'if-match', 'if-none-match', 'max-forwards'],
  ...['sec-websocket-key', 'sec-websocket-protocol', 'last-event-id', 'x-http-method-override'],
  ...['gateway-claims', 'gateway-client-address', 'gateway-anything', 'x-portcullis-claims'],
  ...['traceparent', 'tracestate', 'baggage', 'x-request-id', 'authorization', 'cookie'],
]

describe('what the gateway and the connection say in their own headers', () => {
  test.each(neverSent)('%s never passes, by whatever rule', (name) => {
    const folded = name.replaceAll('-', '_')
    const headers = { [name]: ['forged'], [folded]: ['forged'], [name.replace('-', '.')]: ['x'] }
    expect(sent(everything, headers)).toEqual({})
    expect(sent([named(name, folded)], headers)).toEqual({})
    expect(
      sent([{ propagate: { named: ['x-a'], rename: folded } }], { 'x-a': ['forged'] }),
    ).toEqual({})
  })

  test('a plain header is written by the gateway alone, for an anonymous caller too', () => {
    const options = { plainHeaders: { 'x-stage': 'sub' } }
    const headers = { 'x-stage': ['forged'], x_stage: ['forged'], 'x.stage': ['forged'] }
    const rules = [named('x-stage', 'x_stage'), ...everything]
    expect(sent(rules, headers, options)).toEqual({})
    const all = forwardingOf({ ...options, requestHeaders: rules })
    expect(all.headers({ claims: { sub: '1' }, headers })).toMatchObject({ 'x-stage': '1' })
  })

  test('a header that may carry a token passes by no rule', () => {
    const options = { credentialHeaders: ['x-my-pass'] }
    const headers = { 'x-my-pass': ['a token'], x_my_pass: ['a token'] }
    expect(sent([named('x-my-pass', 'x_my_pass'), ...everything], headers, options)).toEqual({})
  })

  test('a pattern matches no name that a server could read as another one', () => {
    expect(sent(everything, { x_stage: ['1'], 'x.stage': ['1'], 'x!': ['1'] })).toEqual({})
    expect(sent([named('x_stage')], { x_stage: ['1'] })).toEqual({ x_stage: '1' })
  })
})

const identity = [
  ...['x-user-id', 'x-user', 'x-userid', 'x-acme-user-id', 'remote-user', 'x-remote-groups'],
  ...['x-forwarded-user', 'x-forwarded-for', 'x-forwarded-host', 'forwarded', 'x-real-ip'],
  ...['x-auth-request-email', 'x-auth-token', 'x-authenticated-scope', 'x-webauth-user'],
  ...['x-api-key', 'x-access-token', 'x-id-token', 'x-session-id', 'x-role', 'x-groups'],
  ...['x-tenant-id', 'x-org-id', 'x-organization', 'x-hasura-role', 'cf-access-jwt-assertion'],
  ...['cf-connecting-ip', 'true-client-ip', 'x-goog-iap-jwt-assertion', 'x-amzn-oidc-data'],
  ...['x-ms-client-principal', 'x-client-cert', 'client-cert', 'ssl-client-s-dn', 'dpop'],
  ...['x-arr-clientcert', 'x-azure-clientip', 'x-azure-socketip', 'x-remoteip', 'x-remoteuser'],
  ...[
    'impersonate-user',
    'x-original-url',
    'x-rewrite-url',
    'tailscale-user-login',
    'x-consumer-id',
  ],
]

describe('headers about identity', () => {
  test.each(identity)('%s passes by its name alone', (name) => {
    expect(sent(everything, { [name]: ['1'] })).toEqual({})
    expect(sent([named(name)], { [name]: ['1'] })).toEqual({ [name]: '1' })
  })

  test.each([
    'accept-language',
    'x-acme-order',
    'x-client-version',
    'dnt',
    'x-trace',
    'x-ordering',
  ])('%s is none of them', (name) => expect(isIdentityHeader(name)).toBe(false))
})

describe('docs/headers.md is true of', () => {
  /** Returns the names of a part of the page; `*` and a hyphen at the end stand for more. */
  const namesIn = (from: string, to: string) => {
    const page = readFileSync('docs/headers.md', 'utf8')
    const part = page.slice(page.indexOf(from), page.indexOf(to))
    return [...part.matchAll(/`([a-z0-9*-]+)`/g)].map(([, name]) => name!)
  }

  test.each(namesIn('### Headers about identity', '### The access token'))('%s', (name) => {
    const examples = [name, `x-${name}`, `${name}a`]
    expect(examples.some(isIdentityHeader)).toBe(true)
  })

  test.each(namesIn('- headers of one connection', 'Some servers read'))('%s', (name) => {
    expect(whyNeverSent(name.replace(/-\*$/, '-a').replace('*', ''))).toBeDefined()
  })

  test.each(namesIn('These never pass:', 'A pattern also'))('%s in a response', (name) => {
    if (name === 'cookies') return
    expect(whyNeverReturned(name.replace('*', 'a'))).toBeDefined()
  })
})

describe('the key of deduplication', () => {
  const keyOf = (rules: readonly HeaderRule[], headers: ClientHeaders) =>
    forwardingOf({ requestHeaders: rules }).deduplicationKey({ claims: null, headers })

  test('is the same whatever the order of the headers, and whatever does not pass', () => {
    const one = { 'x-acme-a': ['1'], 'x-acme-b': ['2'], 'x-other': ['3'] }
    const other = { 'x-acme-b': ['2'], 'x-acme-a': ['1'] }
    expect(keyOf([matching('x-acme-*')], one)).toBe(keyOf([matching('x-acme-*')], other))
  })

  test('differs with the access token that passes', () => {
    const { deduplicationKey, headers } = forwardingOf({ passToken: true })
    const [one, other] = ['a', 'b'].map((accessToken) => ({ claims: { sub: '1' }, accessToken }))
    expect(deduplicationKey(one!)).not.toBe(deduplicationKey(other!))
    expect(headers(one!)).toMatchObject({ authorization: 'Bearer a' })
    expect(headers({ claims: null })).not.toHaveProperty('authorization')
  })
})

/** Returns the headers of a subgraph's response that the client gets. */
function returned(
  responseHeaders: readonly HeaderRule[],
  headers: readonly (readonly [string, string])[],
): Record<string, string> {
  const { readPassedHeaders } = forwardingOf({ responseHeaders })
  const raw = headers.flat().map((text) => Buffer.from(text, 'latin1'))
  return Object.fromEntries(readPassedHeaders!(raw).map(({ name, value }) => [name, value]))
}

const back = (...names: string[]): HeaderRule => ({
  propagate: { named: names },
})
const allBack: HeaderRule = { propagate: { matching: ['*'] } }

describe('headers of a response', () => {
  test('are not even read without a rule', () => {
    expect(forwardingOf({}).readPassedHeaders).toBeUndefined()
    expect(forwardingOf({}).passedExtensions).toBeUndefined()
  })

  test('pass by name or pattern, renamed, joined, by default, and are taken back', () => {
    const rules: HeaderRule[] = [
      back('x-served-by'),
      { propagate: { named: ['x-cost'], rename: 'x-price', algorithm: 'last' } },
      { propagate: { named: ['x-stage'], default: 'main' } },
      { propagate: { matching: ['x-acme-*'], algorithm: 'append' } },
      { remove: { named: ['x-acme-b'] } },
    ]
    expect(
      returned(rules, [
        ['X-Served-By', 'a'],
        ['x-cost', '1'],
        ['X-Acme-A', '2'],
        ['x-acme-a', '3'],
        ['x-acme-b', '4'],
        ['x-other', '5'],
      ]),
    ).toEqual({ 'x-served-by': 'a', 'x-price': '1', 'x-stage': 'main', 'x-acme-a': '2, 3' })
  })

  test.each([
    ...['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer', 'content-length'],
    ...['content-type', 'content-security-policy', 'set-cookie', 'www-authenticate', 'vary', 'age'],
    ...['etag', 'last-modified', 'expires', 'date', 'access-control-allow-origin', 'x-request-id'],
    ...['x-accel-redirect', 'x-sendfile', 'surrogate-control', 'cdn-cache-control', 'gateway-a'],
    ...['no-vary-search', 'edge-control', 'x-reproxy-url'],
  ])('%s never passes', (name) => {
    expect(returned([back(name), allBack], [[name, 'a']])).toEqual({})
  })

  test.each([
    ...['cache-control', 'location', 'refresh', 'alt-svc', 'clear-site-data', 'server', 'link'],
    ...['strict-transport-security', 'x-frame-options', 'x-user-id', 'x-session-token'],
    ...['timing-allow-origin', 'use-as-dictionary', 'permissions-policy', 'public-key-pins'],
  ])('%s does not pass by a pattern', (name) => {
    expect(returned([allBack], [[name, 'a']])).toEqual({})
  })

  test('named by Connection, too long or beyond ASCII end at the gateway', () => {
    expect(
      returned(
        [allBack],
        [
          ['connection', 'x-a'],
          ['x-a', '1'],
          ['x-b', 'b'.repeat(5_000)],
          ['x-c', 'caf\xe9'],
        ],
      ),
    ).toEqual({})
  })
})

describe('of several responses', () => {
  const headersOf = (algorithm: PassedHeader['algorithm'], ...values: string[]) => {
    const added = new Additions()
    for (const value of values) added.add({ headers: [{ name: 'x-a', value, algorithm }] })
    return added.headers()
  }

  test.each([
    ['first', { 'x-a': '1' }],
    ['last', { 'x-a': '1' }],
    ['append', { 'x-a': '1, 2' }],
  ] as const)('%s', (algorithm, expected) => {
    expect(headersOf(algorithm, '1', '2', '1')).toEqual(expected)
  })

  test('the last one counts', () => {
    expect(headersOf('last', '1', '2')).toEqual({ 'x-a': '2' })
  })

  test('a list does not grow without end', () => {
    const values = Array.from({ length: 100_000 }, (_, index) => `value ${index}`)
    const { 'x-a': list } = headersOf('append', ...values) as Record<string, string>
    expect(list!.length).toBeLessThanOrEqual(4_100)
  })

  test('headers with more and more names end at 8 KB', () => {
    const added = new Additions()
    const add = (name: string, value: string) =>
      added.add({ headers: [{ name, value, algorithm: 'last' }] })
    for (let index = 0; index < 1_000; index++) add(`x-${index}`, 'a'.repeat(95))
    const size = Object.entries(added.headers()!).flat().join('').length
    expect(size).toBeGreaterThan(8_000)
    expect(size).toBeLessThanOrEqual(8_192)
    // What takes the place of another value needs no more room.
    for (let index = 0; index < 1_000; index++) add('x-0', `${index}`.padEnd(95))
    expect(added.headers()).toMatchObject({ 'x-0': '999'.padEnd(95) })
    add('x-0', '')
    add('x-last', 'a')
    expect(added.headers()).toMatchObject({ 'x-0': '', 'x-last': 'a' })
  })

  test('cookies of one name replace each other', () => {
    const added = new Additions()
    for (const setCookies of [['a=1'], ['b=1', 'a=2']]) added.add({ setCookies })
    expect(added.headers()).toEqual({ 'set-cookie': ['a=2', 'b=1'] })
  })

  test('extensions are those of the first that has them', () => {
    const added = new Additions()
    added.add({ extensions: { cost: 1 } })
    added.add({ extensions: { cost: 2, hint: 'a' } })
    expect(added.extensions).toEqual({ cost: 1, hint: 'a' })
  })

  test.each([
    [['max-age=60'], 'public, max-age=60'],
    [['max-age=60', 'max-age=30, public'], 'public, max-age=30'],
    [['max-age=60', 'private, max-age=90'], 'private, max-age=60'],
    [['max-age=60, s-maxage=30'], 'public, max-age=30, must-revalidate'],
    [['s-maxage=30'], 'public, max-age=30, must-revalidate'],
    [['max-age=60, must-revalidate', 'max-age=90'], 'public, max-age=60, must-revalidate'],
    [['max-age=60', 'max-age=90, Proxy-Revalidate'], 'public, max-age=60, must-revalidate'],
    [['MAX-AGE="60" , Public'], 'public, max-age=60'],
    [['max-age=99999999999999'], 'public, max-age=2147483648'],
    [['max-age=60', 'no-store'], undefined],
    [['max-age=60', 'no-cache'], undefined],
    [['no-cache="set-cookie", max-age=60'], undefined],
    [['max-age=60', ''], undefined],
    [['max-age=60', 'public'], undefined],
    [['max-age=60, max-age=120'], undefined],
    [['max-age=0'], undefined],
    [['max-age=-1'], undefined],
    [['max-age=later'], undefined],
    [['private'], undefined],
    [[], undefined],
  ])('Cache-Control of %j is %s', (values, expected) => {
    const added = new Additions()
    for (const value of values) {
      added.add({ headers: [{ name: 'cache-control', value, algorithm: 'strictest' }] })
    }
    expect(added.cacheControl()).toBe(expected)
  })

  test.each([undefined, { cost: 1 }])(
    'a response that may be cached names what it depends on, with the extensions %j',
    (extensions) => {
      const added = new Additions()
      const header = { name: 'cache-control', value: 'max-age=60', algorithm: 'strictest' } as const
      added.add({ headers: [header] })
      const options = { mediaType: 'application/json', realm: { name: 'a' }, requestId: '1', added }
      const response = (errors: ResponseError[], vary?: string[]) =>
        resultResponse({ data: '{}', errors, extensions }, { ...options, vary })
      const may = response([], ['authorization'])
      expect(may.headers['cache-control']).toBe('public, max-age=60')
      expect(may.vary).toEqual(['authorization'])
      const error = { message: 'a', extensions: {} }
      for (const mayNot of [response([]), response([error], ['authorization'])]) {
        expect(mayNot.headers['cache-control']).toBe('no-store')
        expect(mayNot.vary).toBeUndefined()
      }
    },
  )

  test('a response with a cookie is not cached', () => {
    const added = new Additions()
    const header = { name: 'cache-control', value: 'max-age=60', algorithm: 'strictest' } as const
    added.add({ headers: [header], setCookies: ['a=1'] })
    expect(added.cacheControl()).toBeUndefined()
  })
})

describe('Cache-Control is read of every subgraph if a rule names it for any', () => {
  const cacheControlOf = (options: Partial<ForwardingOptions>, ...more: string[]) => {
    const raw = ['cache-control', 'max-age=60', ...more].map((text) => Buffer.from(text))
    const { readPassedHeaders } = forwardingOf({ readsCacheControl: true, ...options })
    return readPassedHeaders!(raw).find(({ name }) => name === 'cache-control')?.value
  }
  const responseHeaders = [back('cache-control')]

  test.each<[string, Partial<ForwardingOptions>, string]>([
    ['as its rule says', { responseHeaders }, 'max-age=60'],
    ['a subgraph without the rule forbids caching', {}, ''],
    ['so does one that gets an address', { responseHeaders, clientHeaders: true }, 'no-store'],
    ['so does one that gets a cookie', { responseHeaders, cookies: ['a'] }, 'no-store'],
    ['so does one with a pattern', { responseHeaders, requestHeaders: everything }, 'no-store'],
  ])('%s', (_what, options, expected) => {
    expect(cacheControlOf(options)).toBe(expected)
  })

  test.each([
    ['50', 'public, max-age=10'],
    ['50, 5', 'public, max-age=10'],
    ['60', undefined],
    ['99999999999', undefined],
    ['old', 'public, max-age=60'],
  ])('a response that is %s seconds old is fresh for that much less', (age, expected) => {
    const raw = ['cache-control', 'max-age=60', 'Age', age].map((text) => Buffer.from(text))
    const added = new Additions()
    const { readPassedHeaders } = forwardingOf({ readsCacheControl: true, responseHeaders })
    added.add({ headers: readPassedHeaders!(raw) })
    expect(added.cacheControl()).toBe(expected)
  })

  test.each([
    ['*', 'no-store'],
    ['accept, *', 'no-store'],
    ['Accept', 'max-age=60'],
  ])('a response with Vary: %s says %s (RFC 9111 section 4.1)', (vary, expected) => {
    expect(cacheControlOf({ responseHeaders }, 'Vary', vary)).toBe(expected)
  })
})
