/** The configuration: one schema, all problems together, no value from outside ever printed. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { configJsonSchema } from '../../gateway/configuration/config-json-schema.ts'
import { headerWarnings } from '../../gateway/configuration/given-headers.ts'
import { checkConfig, readConfig } from '../../gateway/configuration/read-config.ts'
import { renamedKeys } from '../../gateway/configuration/renamed-keys.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import { runCompiled } from '../support/run-compiled.ts'

let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'portcullis-config-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function file(text: string, name = 'gateway.yaml'): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The problems as `path: message`. */
function problemsOf(text: string, environment = {}): string[] {
  const reading = checkConfig(file(text), environment)
  if (reading.outcome === 'valid') return []
  return reading.problems.map(({ path, message }) => `${path}: ${message}`)
}

const issuer = 'issuer: https://id.example.com, audiences: [portcullis]'
const authentication = `authentication: { issuers: [{ ${issuer}, discovery: true }] }`

test('a file that is not there is named, with what to do', () => {
  expect(() => readConfig('/nowhere/gateway.yaml', {})).toThrow(
    'the configuration /nowhere/gateway.yaml does not exist: give the path of a file that this user may read',
  )
})

test('a file that is not UTF-8 is refused', () => {
  const path = file('')
  writeFileSync(path, Buffer.from(`${authentication}\n# caf\xe9\n`, 'latin1'))
  expect(() => checkConfig(path, {})).toThrow(
    `the configuration ${path} is not UTF-8: save it in that encoding`,
  )
})

test('the example of the documentation is accepted, with every key', () => {
  const config = readConfig(
    file(`
authentication:
  require: false
  issuers:
    - issuer: https://id.example.com
      discovery: true
      audiences: [portcullis]
      algorithms: [ES256, RS256]
      token_types: [at+jwt]
      clock_tolerance: 5s
      max_token_age: 24h
      scopes_claim: scope
      scopes: { allow: [profile, orders] }
  sources:
    - { header: authorization, scheme: Bearer }
    - { cookie: access_token }
  other_schemes: refuse
  on_invalid: refuse
claims:
  forward: [sub, scope, name]
  subgraphs:
    users: { forward: [sub, name], headers: { x-user-id: sub } }
`),
    {},
  )
  expect(config.authentication).toMatchObject({
    require: false,
    issuers: [
      {
        issuer: 'https://id.example.com',
        keys: { kind: 'discovery' },
        algorithms: ['ES256', 'RS256'],
        clockTolerance: 5_000,
        maxTokenAge: 86_400_000,
        scopes: { allow: ['profile', 'orders'] },
      },
    ],
    sources: [{ header: 'authorization', scheme: 'Bearer' }, { cookie: 'access_token' }],
  })
  expect(config.claims.subgraphs.users).toMatchObject({ headers: { 'x-user-id': 'sub' } })
})

test('tenants and {tenantid} need each other, and each issuer has one entry with them', () => {
  const text = `authentication:
  issuers:
    - { issuer: 'https://a.example/{tenantid}', jwks_uri: https://a.example/keys, audiences: [x] }
    - { issuer: https://b.example, tenants: [one], jwks_uri: https://b.example/keys, audiences: [x] }
    - { issuer: 'https://c.example/{tenantid}', tenants: [one], discovery: true, audiences: [x] }
    - { issuer: https://c.example/one, discovery: true, audiences: [x] }
`
  expect(problemsOf(text)).toEqual([
    'authentication.issuers[0].issuer: has {tenantid}, which needs tenants: the list of those that are accepted',
    'authentication.issuers[1].tenants: needs an issuer with {tenantid} in it',
    'authentication.issuers[2].discovery: is for one issuer: with tenants, give jwks_uri',
    'authentication.issuers[3].issuer: is the issuer of an entry above: each issuer has one entry',
  ])
})

describe('public_url', () => {
  const withHttp = (http: string) => problemsOf(`${authentication}\nhttp: ${http}`)
  const path = 'http.public_url'

  test.each([
    'https://api.example.com',
    'https://api.example.com/',
    'https://api.example.com:8443/shop/graphql',
    'http://127.0.0.1:4000/graphql',
    'http://localhost/graphql',
  ])('may be %s', (url) => expect(withHttp(`{ public_url: '${url}' }`)).toEqual([]))

  test.each([
    ['api.example.com/graphql', 'expected a URL such as https://api.example.com/graphql'],
    ['/graphql', 'expected a URL such as https://api.example.com/graphql'],
    ['ftp://api.example.com', 'expected a URL such as https://api.example.com/graphql'],
    ['http://api.example.com/graphql', 'expected https, or an address of this machine'],
    ['https://a:b@api.example.com', 'must not hold credentials: every client gets to see it'],
    ['https://api.example.com/graphql?', 'must not have a query or a fragment'],
    ['https://api.example.com/graphql?a=b', 'must not have a query or a fragment'],
    ['https://api.example.com/graphql#a', 'must not have a query or a fragment'],
    [
      'https://API.example.com:443/x',
      'is not in its canonical form: write https://api.example.com/x',
    ],
    [
      'https://api.example.com/a/../x',
      'is not in its canonical form: write https://api.example.com/x',
    ],
    [
      'https://api.example.com/"x"',
      'is not in its canonical form: write https://api.example.com/%22x%22',
    ],
    [' https://api.example.com/x', 'is not in its canonical form: write https://api.example.com/x'],
  ])('may not be %s', (url, problem) => {
    expect(withHttp(`{ public_url: '${url}' }`)).toEqual([`${path}: ${problem}`])
  })

  test('is needed by resource_metadata', () => {
    expect(withHttp('{ resource_metadata: { name: x, documentation: nowhere } }')).toEqual([
      'http.resource_metadata.documentation: expected a URL',
      'http.resource_metadata: needs public_url: without it, there are no metadata',
    ])
    expect(
      withHttp(
        "{ public_url: 'https://a.example', resource_metadata: { documentation: 'mailto:a' } }",
      ),
    ).toEqual(['http.resource_metadata.documentation: expected an http or https URL'])
  })
})

test('introspection takes the place of keys, in one entry, over https', () => {
  const asked = (issuer: string, endpoint: string, more = '') =>
    `{ issuer: ${issuer}, audiences: [x], introspection: { endpoint: ${endpoint}, client_id: a, client_secret: b }${more} }`
  const withIssuers = (...entries: string[]) =>
    problemsOf(`authentication: { issuers: [${entries.join(', ')}] }`)
  const good = asked('https://a.example', 'https://a.example/introspect')
  expect(withIssuers(good)).toEqual([])
  expect(withIssuers(good, asked('https://b.example', 'http://b.example/introspect'))).toEqual([
    'authentication.issuers[1].introspection.endpoint: expected https, or an address of this machine (allow_http: true lifts this)',
    'authentication.issuers[1].introspection: is in an entry above: one issuer can be asked about tokens that are no JWTs',
  ])
  const more = ", discovery: true, revocation: { not_before: 'https://a.example/r' }"
  expect(withIssuers(asked('https://a.example', 'https://a.example/introspect', more))).toEqual([
    'authentication.issuers[0]: has discovery and introspection: keys come from one place',
    'authentication.issuers[0].revocation: is for tokens that are signed: introspection says which are revoked',
  ])
})

test('the shipped development configuration is valid in an empty environment', () => {
  const config = readConfig('gateway/gateway.yaml', {})
  expect(config.authentication.issuers[0]?.keys).toEqual({
    kind: 'url',
    url: 'http://127.0.0.1:4001/.well-known/jwks.json',
  })
  expect(config.authentication.issuers[0]).toMatchObject({
    required: true,
    revocation: { statusListAggregation: 'http://127.0.0.1:4001/status-lists' },
  })
})

test('all problems are listed together, with line and path', () => {
  const path = file(`authentication:
  issuers:
    - issuer: https://a.example
      discovery: true
      jwks_uri: http://b.example/keys
      algorithms: [HS256, RS256]
      clock_tolerance: 5
      audience: [x]
    - issuer: https://a.example
      discovery: true
      audiences: [x]
  sources: [{ cookie: 'a b' }]
workers: many
`)
  expect(() => readConfig(path, {})).toThrow(
    [
      `the configuration ${path} cannot be used:`,
      'line 3, authentication.issuers[0].audiences: is missing',
      'line 7, authentication.issuers[0].clock_tolerance: expected a length of time such as "5s" or "10m"',
      'line 8, authentication.issuers[0].audience: is not a known key',
      'line 3, authentication.issuers[0]: has discovery and jwks_uri: keys come from one place',
      'line 6, authentication.issuers[0].algorithms: mixes HS with public-key algorithms: a public key would serve as an HS secret',
      'line 5, authentication.issuers[0].jwks_uri: expected https, or an address of this machine (allow_http: true lifts this)',
      'line 12, authentication.sources[0].cookie: expected a cookie name',
      'line 9, authentication.issuers[1].issuer: is the issuer of an entry above: each issuer has one entry',
      'line 13, workers: expected auto, or a whole number from 1 to 256',
    ].join('\n  - '),
  )
})

describe('refused at start:', () => {
  test.each([
    ['an unknown key', `${authentication}\nauthenticaton: {}`, 'authenticaton: is not a known key'],
    ['no authentication', 'workers: 1', 'authentication: is missing'],
    ['an empty file', '', 'authentication: is missing'],
    [
      'no place for the keys',
      `authentication: { issuers: [{ ${issuer} }] }`,
      'needs one of discovery, jwks_uri, jwks_file, jwks, introspection',
    ],
    [
      'HS keys from an address',
      `authentication: { issuers: [{ ${issuer}, discovery: true, algorithms: [HS256] }] }`,
      'a shared key is not published',
    ],
    [
      'scopes that are both listed and prefixed',
      `authentication: { issuers: [{ ${issuer}, discovery: true, scopes: { allow: [a], prefix: b } }] }`,
      'authentication.issuers[0].scopes: needs allow or prefix',
    ],
    [
      'a scope with a space',
      `authentication: { issuers: [{ ${issuer}, discovery: true, scopes: { allow: [a b] } }] }`,
      'scopes.allow[0]: expected visible ASCII without white space',
    ],
    [
      'a place that lists status lists, without one below which they are',
      `authentication: { issuers: [{ ${issuer}, discovery: true, revocation: { status_lists: [https://x.example/1], status_list_aggregation: https://x.example/ } }] }`,
      'status_list_aggregation: needs an entry of status_lists that ends in /',
    ],
    [
      'a place without TLS that lists status lists',
      `authentication: { issuers: [{ ${issuer}, discovery: true, revocation: { status_lists: [https://x.example/], status_list_aggregation: http://x.example/ } }] }`,
      'revocation.status_list_aggregation: expected https',
    ],
    ...[
      'https://app.example.com/',
      'https://*',
      'https://*.com',
      'https://*.*.example.com',
      'https://app-*.example.com',
      'https://app.*.com',
      'https://*.example.com/x',
      'https://*.Example.com',
      '*.example.com',
      'HTTPS://app.example.com',
      'https://*.example.com:443',
    ].map((origin) => [
      `an origin that no browser sends, or a pattern that matches none or too much: ${origin}`,
      `${authentication}\nhttp: { cors: { origins: ['${origin}'] } }`,
      'http.cors.origins[0]: expected an origin such as',
    ]),
    ...['proxy.example.com', '10.0.0.0/33', '10.0.0.0/0', '10.0.0.0/255.0.255.0', '::1/129'].map(
      (proxy) => [
        `a proxy that is no address: ${proxy}`,
        `${authentication}\nhttp: { trusted_proxies: ['${proxy}'] }`,
        'http.trusted_proxies[0]: expected an IP address, or a network',
      ],
    ),
    [
      'the algorithm none',
      `authentication: { issuers: [{ ${issuer}, discovery: true, algorithms: [none] }] }`,
      'algorithms[0]: Invalid option',
    ],
    [
      'discovery without TLS',
      'authentication: { issuers: [{ issuer: http://id.example.com, audiences: [x], discovery: true }] }',
      'expected https',
    ],
    [
      'credentials in an address',
      'authentication: { issuers: [{ issuer: x, audiences: [x], jwks_uri: "https://u:p@id.example.com" }] }',
      'must not hold credentials',
    ],
    [
      'no audience',
      'authentication: { issuers: [{ issuer: https://a.example, discovery: true, audiences: [] }] }',
      'audiences: expected at least one entry',
    ],
    [
      'a key file that is not there',
      `authentication: { issuers: [{ ${issuer}, jwks_file: nowhere.json }] }`,
      'jwks_file: cannot be used: ENOENT',
    ],
    [
      'an inline key set without a usable key',
      `authentication: { issuers: [{ ${issuer}, jwks: { keys: [{ kty: EC, kid: a }] } }] }`,
      'jwks: has no usable key',
    ],
    [
      'a claim that no record should have',
      `${authentication}\nclaims: { forward: ["__proto__"] }`,
      'is not a name that a claim may have',
    ],
    [
      'a subgraph that gets more than the allow list',
      `${authentication}\nclaims: { forward: [sub], subgraphs: { users: { forward: [sub, name] } } }`,
      'claims.subgraphs.users.forward[1]: is not in claims.forward',
    ],
    [
      'a subgraph that gets claims of callers that are anonymous to it',
      `${authentication}\nclaims: { subgraphs: { users: { anonymous: true, headers: { x: sub } } } }`,
      'claims.subgraphs.users.headers: contradicts anonymous: true',
    ],
    [
      'a plain header with the name of one of the gateway',
      `${authentication}\nclaims: { subgraphs: { users: { headers: { gateway-claims: sub } } } }`,
      'is a header of the gateway',
    ],
    [
      'revocation without a document',
      `authentication: { issuers: [{ ${issuer}, discovery: true, revocation: {} }] }`,
      'revocation: needs status_lists, not_before, or both',
    ],
    [
      'a status list without TLS',
      `authentication: { issuers: [{ ${issuer}, discovery: true, revocation: { status_lists: ["http://id.example.com/1"] } }] }`,
      'revocation.status_lists[0]: expected https',
    ],
    [
      'not-before policies at something that is no address',
      `authentication: { issuers: [{ ${issuer}, discovery: true, revocation: { not_before: nowhere } }] }`,
      'revocation.not_before: expected a URL',
    ],
    [
      'a plain header with the name of one about the client',
      `${authentication}\nclaims: { subgraphs: { users: { headers: { gateway-client-address: sub } } } }`,
      'is a header of the gateway',
    ],
    [
      'a cookie with a name that no cookie has',
      `${authentication}\nclaims: { subgraphs: { users: { cookies: ["a=b"] } } }`,
      'claims.subgraphs.users.cookies[0]: expected the name of a cookie',
    ],
    [
      'API keys that go over the network without TLS',
      `authentication: { issuers: [{ ${issuer}, discovery: true }], api_keys: { token_endpoint: "http://id.example.com/token" } }`,
      'authentication.api_keys.token_endpoint: expected https',
    ],
    [
      'API keys that begin like access tokens',
      `authentication: { issuers: [{ ${issuer}, discovery: true }], api_keys: { token_endpoint: "https://id.example.com/token", prefix: eyJ } }`,
      'authentication.api_keys.prefix: access tokens begin with ey',
    ],
    [
      'API keys without a token endpoint',
      `authentication: { issuers: [{ ${issuer}, discovery: true }], api_keys: {} }`,
      'authentication.api_keys.token_endpoint: ',
    ],
    [
      'a step-up that asks for nothing',
      `${authentication}\nauthorization: { step_up: { strong: {} } }`,
      'authorization.step_up.strong: needs acr_values, max_age, or both',
    ],
    [
      'a response of a subgraph without a size limit',
      `${authentication}\nsubgraphs: { all: { response_limit: 2000MB } }`,
      'subgraphs.all.response_limit: expected a size from 1KB to 1024MB',
    ],
    [
      'a certificate without its key',
      `${authentication}\nsubgraphs: { users: { tls: { certificate: x } } }`,
      'subgraphs.users.tls: certificate and key belong together',
    ],
    [
      'a circuit breaker that is merely on',
      `${authentication}\nsubgraphs: { users: { circuit_breaker: true } }`,
      'subgraphs.users.circuit_breaker: expected false, or failures and pause',
    ],
    [
      'a circuit breaker that opens before it was ever tried',
      `${authentication}\nsubgraphs: { users: { circuit_breaker: { failures: 0 } } }`,
      'subgraphs.users.circuit_breaker',
    ],
    [
      'a switch that is neither on nor off',
      `${authentication}\nsubgraphs: { users: { deduplicate_requests: maybe } }`,
      'subgraphs.users.deduplicate_requests: expected true or false',
    ],
    [
      'a deadline that no request could meet',
      `${authentication}\nhttp: { deadline: 1ms }`,
      'http.deadline: expected a length of time from 100ms to 10m',
    ],
    ['a key given twice', `${authentication}\nworkers: 1\nworkers: 2`, 'Map keys must be unique'],
    ['broken YAML', 'authentication: [', 'Flow sequence'],
  ])('%s', (_name, text, problem) => {
    expect(problemsOf(text).join('\n')).toContain(problem)
  })
})

describe('placeholders', () => {
  const realm = (text: string) => `${authentication}\nhttp: { realm: "${text}" }`
  const read = (text: string, environment = {}) =>
    readConfig(file(realm(text)), environment).http.realm

  test('${env.NAME} and ${env.NAME:-default} read the environment', () => {
    expect(read('${env.REALM} at ${env.PLACE:-home}', { REALM: 'mine' })).toBe('mine at home')
  })

  test('a default may have placeholders; the value of a variable has none', () => {
    const nested = '${env.HOST:-http://localhost:${env.PORT:-80}/${env.PATH:-x}}'
    expect(read(nested)).toBe('http://localhost:80/x')
    expect(read(nested, { PORT: '81' })).toBe('http://localhost:81/x')
    expect(read(nested, { HOST: '${env.PORT}' })).toBe('${env.PORT}')
    expect(problemsOf(realm('${env.HOST:-${env.NOWHERE}}'))).toContain(
      'http.realm: needs NOWHERE, which is not set',
    )
  })

  test('${file.PATH} reads a file, found from where the configuration lies', () => {
    file('from a file\n', 'realm.txt')
    expect(read('${file.realm.txt}')).toBe('from a file')
  })

  test('what is missing is a problem with its path', () => {
    expect(problemsOf(realm('${env.NOWHERE}'))).toContain(
      'http.realm: needs NOWHERE, which is not set',
    )
    expect(problemsOf(realm('${file.nowhere}')).join()).toContain('cannot be read (ENOENT)')
    writeFileSync(join(folder, 'binary.key'), Buffer.from([0xff, 0xfe, 0x80]))
    expect(problemsOf(realm('${file.binary.key}')).join()).toContain('which is not text in UTF-8')
    expect(problemsOf(realm('${vault.x}')).join()).toContain('neither ${env.NAME} nor ${file.PATH}')
  })

  test('numbers and switches may come from the environment', () => {
    const config = readConfig(
      file(
        `${authentication.replace('{ issuers', '{ require: "${env.R}", issuers')}\nworkers: \${env.W}`,
      ),
      { R: 'true', W: '3' },
    )
    expect(config.authentication.require).toBe(true)
    expect(config.workers).toBe(3)
  })

  test('a value from outside is one text: it cannot add keys', () => {
    expect(read('${env.REALM}', { REALM: 'a", body_limit: "1KB' })).toBe('a", body_limit: "1KB')
  })

  test('a value from outside never stands in a problem', () => {
    const problems = problemsOf(
      `authentication: { issuers: [{ ${issuer}, jwks_uri: "\${env.SECRET}", clock_tolerance: "\${env.SECRET}" }] }
workers: "\${env.SECRET}"
engine: "\${env.SECRET}"
http: { realm: "\${env.SECRET}\u00e9", body_limit: "\${env.SECRET}" }
claims: { forward: ["\${env.SECRET}", "\${env.SECRET}"] }`,
      { SECRET: 'hunter2' },
    )
    expect(problems.length).toBeGreaterThan(5)
    expect(problems.join('\n')).not.toContain('hunter2')
  })
})

test('proxies are addresses, networks, or named; origins may be all subdomains of one', () => {
  const config = readConfig(
    file(`${authentication}
http:
  trusted_proxies: [loopback, 10.0.0.0/8, 192.168.0.0/255.255.0.0, '::1', 'fd00::/8', '::ffff:7f00:1']
  cors: { origins: ['https://app.example.com', 'https://*.example.com', 'http://*.localhost:3000'] }
`),
    {},
  )
  const { origins } = config.http.cors!
  expect(origins).toEqual(['https://app.example.com', expect.any(RegExp), expect.any(RegExp)])
})

test('an HS issuer takes its keys from a file beside the configuration', () => {
  file(JSON.stringify({ keys: [{ kty: 'oct', kid: 'a', k: 'A'.repeat(43) }] }), 'keys.json')
  const text = `authentication: { issuers: [{ ${issuer}, jwks_file: keys.json, algorithms: [HS256] }] }`
  const { keys } = readConfig(file(text), {}).authentication.issuers[0]!
  expect(keys).toEqual({ kind: 'file', path: join(folder, 'keys.json') })
})

test('the settings of a subgraph are its own, else those of all, else the defaults', () => {
  const { subgraphs } = readConfig(
    file(`${authentication}
subgraphs:
  all: { timeout: 2s, subgraph_errors: expose }
  users: { timeout: 500ms }`),
    {},
  )
  expect(subgraphSettings(subgraphs, 'users')).toMatchObject({
    timeout: 500,
    subgraphErrors: 'expose',
  })
  expect(subgraphSettings(subgraphs, 'toString')).toMatchObject({ timeout: 2_000 })
})

test('the words of a subgraph that pass to the client are two lists', () => {
  const errorsOf = (policy: string) =>
    subgraphSettings(
      readConfig(file(`${authentication}\nsubgraphs: { shop: { subgraph_errors: ${policy} } }`), {})
        .subgraphs,
      'shop',
    ).subgraphErrors
  expect(errorsOf('{ pass: { codes: [OUT_OF_STOCK], extensions: [field] } }')).toEqual({
    pass: { codes: ['OUT_OF_STOCK'], extensions: ['field'] },
  })
  expect(errorsOf('{ pass: { codes: [A] } }')).toEqual({ pass: { codes: ['A'], extensions: [] } })
  expect(() => errorsOf('hide')).toThrow(
    'expected redact, expose, or pass with codes and extensions',
  )
  for (const name of ['http', 'stacktrace', 'exception']) {
    expect(() => errorsOf(`{ pass: { extensions: [${name}] } }`)).toThrow('is never passed on')
  }
})

test.each(['ws', '//other.example.com/ws', 'https://other.example.com/ws', '/ws#part', ''])(
  'the path for subscriptions is not %j',
  (path) => {
    const text = `${authentication}\nsubgraphs: { shop: { subscription_path: '${path}' } }`
    expect(() => readConfig(file(text), {})).toThrow(/subgraphs.shop.subscription_path: expected/)
  },
)

describe('HTTP callbacks', () => {
  const callback = `subscriptions: { callback: { public_url: 'http://gateway:4010/callback', port: 4010 } }`
  const subgraphs = 'subgraphs: { shop: { subscription_protocol: callback } }'
  const read = (...lines: string[]) => readConfig(file([authentication, ...lines].join('\n')), {})

  test('have a port of their own', () => {
    expect(read(subgraphs, callback).subscriptions.callback).toEqual({
      publicUrl: 'http://gateway:4010/callback',
      host: '127.0.0.1',
      port: 4010,
    })
  })

  test.each<[string[], string]>([
    [
      [subgraphs],
      'line 2, subgraphs.shop.subscription_protocol: callback needs subscriptions.callback, with public_url and port',
    ],
    [
      [callback, 'workers: 2'],
      'subscriptions.callback: needs workers: 1, as a callback could reach another process than the one that waits for it',
    ],
    [[callback, 'workers: auto'], 'subscriptions.callback: needs workers: 1'],
    [[callback.replace('http:', 'ftp:')], 'public_url: expected an http or https URL'],
    [[callback.replace('/callback', '?id=1')], 'public_url: expected an http or https URL'],
    [[callback.replace('http://gateway:4010', '')], 'public_url: expected a URL'],
  ])('%j is refused', (lines, sentence) => {
    expect(() => read(...lines)).toThrow(sentence)
  })
})

test('how a subgraph is called, setting by setting, with defaults for the others', () => {
  file('pem of the authority\n', 'authority.pem')
  const { subgraphs } = readConfig(
    file(`${authentication}
subgraphs:
  all: { compression: true, circuit_breaker: { failures: 3 }, subscription_protocol: websocket }
  users:
    response_limit: 2MB
    subscription_path: /ws
    subscription_reconnect: 0s
    compression: false
    http2: true
    tls: { ca: '\${file.authority.pem}' }
    circuit_breaker: false
    batch_entity_fetches: false
    deduplicate_requests: true
    deduplicate_subscriptions: true`),
    {},
  )
  expect(subgraphSettings(subgraphs, 'users')).toEqual({
    timeout: 10_000,
    connections: 100,
    subgraphErrors: 'redact',
    responseLimit: 2 * 1024 * 1024,
    eventSilence: 30_000,
    subscriptionProtocol: 'websocket',
    subscriptionReconnect: 0,
    subscriptionPath: '/ws',
    compression: false,
    http2: true,
    tls: { ca: 'pem of the authority' },
    circuitBreaker: false,
    batchEntityFetches: false,
    deduplicateRequests: true,
    deduplicateSubscriptions: true,
    headers: { request: [], response: [] },
    passToken: false,
    responseExtensions: [],
  })
  expect(subgraphSettings(subgraphs, 'notes')).toEqual({
    timeout: 10_000,
    connections: 100,
    subgraphErrors: 'redact',
    responseLimit: 50 * 1024 * 1024,
    eventSilence: 30_000,
    subscriptionProtocol: 'websocket',
    subscriptionReconnect: 60_000,
    compression: true,
    http2: false,
    circuitBreaker: { failures: 3, pause: 2_000 },
    batchEntityFetches: true,
    deduplicateRequests: false,
    deduplicateSubscriptions: false,
    headers: { request: [], response: [] },
    passToken: false,
    responseExtensions: [],
  })
})

describe('headers', () => {
  const settingsOf = (text: string, name = 'users') =>
    subgraphSettings(readConfig(file(`${authentication}\n${text}`), {}).subgraphs, name)

  test('have rules for all subgraphs, then those of each', () => {
    const text = `subgraphs:
  all:
    headers:
      request: [{ propagate: { named: [Accept-Language, X-Stage] } }]
      response: [{ propagate: { named: X-Served-By } }]
    response_extensions: [cost]
  users:
    pass_token: true
    headers:
      request:
        - propagate: { matching: X-Acme-* }
        - propagate: { named: X-Old, rename: X-New, default: none }
        - remove: { named: X-Stage }
      response: [{ propagate: { matching: [x-a-*, x-b-*], algorithm: append } }]
    response_extensions: [hints]`
    expect(settingsOf(text)).toMatchObject({
      passToken: true,
      headers: {
        request: [
          { propagate: { named: ['accept-language', 'x-stage'] } },
          { propagate: { matching: ['x-acme-*'] } },
          { propagate: { named: ['x-old'], rename: 'x-new', default: 'none' } },
          { remove: { named: ['x-stage'] } },
        ],
        response: [
          { propagate: { named: ['x-served-by'] } },
          { propagate: { matching: ['x-a-*', 'x-b-*'], algorithm: 'append' } },
        ],
      },
      responseExtensions: ['cost', 'hints'],
    })
    expect(settingsOf(text, 'notes')).toMatchObject({
      passToken: false,
      headers: { request: [{ propagate: { named: ['accept-language', 'x-stage'] } }] },
      responseExtensions: ['cost'],
    })
  })

  const request = (rule: string) => `users: { headers: { request: [${rule}] } }`
  const response = (rule: string) => `users: { headers: { response: [${rule}] } }`

  test.each([
    [request('{ propagate: { named: Authorization } }'), 'set pass_token: true for each subgraph'],
    [request('{ propagate: { named: cookie } }'), 'in claims.subgraphs.NAME.cookies'],
    [request('{ propagate: { named: [x-a, Content-Type] } }'), '"content-type" is a header of the'],
    [request('{ propagate: { named: gateway_claims } }'), '"gateway_claims" is a header of the'],
    [request('{ propagate: { named: x-a, rename: GATEWAY-CLAIMS } }'), 'rename: is a header of'],
    [request('{ propagate: { named: x-a, rename: x_portcullis_claims } }'), 'rename: is a header'],
    [request('{ propagate: { named: x-a, rename: authorization } }'), 'rename: carries the access'],
    [request('{ propagate: { named: [x-a, x-b], rename: x-c } }'), 'rename: needs the name of one'],
    [request('{ propagate: { matching: x-*, rename: x-c } }'), 'rename: needs the name of one'],
    [request('{ propagate: { matching: x-*, default: a } }'), 'default: needs named'],
    [request('{ propagate: { named: x-a, matching: x-* } }'), 'expected named or matching'],
    [request('{ propagate: {} }'), 'expected named or matching'],
    [request('{ propagate: { named: x-a }, remove: { named: x-a } }'), 'expected propagate or rem'],
    [request('{ insert: { name: x-a, value: b } }'), 'insert: is not a known key'],
    [request("{ propagate: { matching: '^x-acme-.*' } }"), 'is not a pattern: it is a name in wh'],
    [request("{ propagate: { named: 'x a' } }"), '"x a" is not the name of a header'],
    [request('{ propagate: { named: x-acme-* } }'), '"x-acme-*" is a pattern: write it in matchi'],
    [response("{ propagate: { named: '*' } }"), '"*" is a pattern: write it in matching'],
    [request('{ propagate: { named: x-a, rename: x-* } }'), 'is not the name of a header'],
    [request('{ propagate: { named: [] } }'), 'expected the name of a header, or a list of names'],
    [request('{ propagate: { named: x-a, default: "a\\nb" } }'), 'without control characters'],
    [request(Array(51).fill('{ propagate: { named: x-a } }').join()), 'expected at most 50 rules'],
    [response('{ propagate: { named: Set-Cookie } }'), 'may set in claims.subgraphs.NAME.cookies'],
    [response('{ propagate: { named: vary } }'), '"vary" is a header of the connection, or one'],
    [
      response('{ propagate: { named: x-a, rename: cache-control } }'),
      'one meaning under one name',
    ],
    [response('{ propagate: { named: cache-control, algorithm: last } }'), 'is not for cache-con'],
    [response('{ propagate: { named: x-a, algorithm: newest } }'), 'algorithm: '],
    ['all: { pass_token: true }', 'pass_token: is not for all subgraphs: set it for each one'],
    ['users: { response_extensions: [authorization] }', 'has a name that is never passed on'],
  ])('%s is refused', (text, problem) => {
    expect(problemsOf(`${authentication}\nsubgraphs: { ${text} }`).join('\n')).toContain(problem)
  })

  test('are looked for in another section by those who come from another gateway', () => {
    const problems = problemsOf(`${authentication}\nheaders: { all: { request: [] } }`)
    expect(problems).toEqual([
      'headers: is not a known key: rules for headers are in subgraphs.all.headers, and in subgraphs.NAME.headers for one subgraph',
    ])
  })

  test('that clients could forge, or that prevent caching, are a warning', () => {
    const warningsOf = (text: string) =>
      headerWarnings(readConfig(file(`${authentication}\n${text}`), {}))
    const named = (rule: string) => `users: { headers: { request: [{ propagate: { ${rule} } }] } }`
    const cached = 'all: { headers: { response: [{ propagate: { named: cache-control } }] } }'
    const known = 'operations: { manifests: [known.json] }'
    const byName = `subgraphs: { ${named('named: accept-language')}, ${cached} }`
    expect(warningsOf(`${byName}\n${known}`)).toEqual([])
    const nothing = [expect.stringContaining('no response may be cached without operations.man')]
    expect(warningsOf(byName)).toEqual(nothing)
    expect(warningsOf(`subgraphs: { ${named('matching: x-*')} }`)).toEqual([])
    const forged = warningsOf(`subgraphs: { ${named('named: x-a, rename: x-user-id')} }`)
    expect(forged).toEqual([expect.stringContaining('can write any value into x-user-id: rely')])
    const never = [expect.stringContaining('subgraphs.users: its responses are never cached')]
    const byPattern = `subgraphs: { ${named('matching: x-*')}, ${cached} }`
    expect(warningsOf(`${byPattern}\n${known}`)).toEqual(never)
    const address = 'claims: { subgraphs: { users: { client_headers: true } } }'
    const unnamed = `subgraphs: { users: {}, ${cached} }\n${address}`
    expect(warningsOf(`${unnamed}\n${known}`)).toEqual(never)
  })

  test('never carry a token of another header, nor replace one that the gateway writes', () => {
    const text = `authentication:
  issuers: [{ ${issuer}, discovery: true }]
  sources: [{ header: X-My-Pass }]
claims: { subgraphs: { users: { headers: { x-stage: sub } } } }
subgraphs:
  all:
    headers:
      request:
        - propagate: { named: [x-my-pass, x-a] }
        - propagate: { named: x_stage }
  notes: { headers: { request: [{ propagate: { named: x-stage } }] } }
  users: { headers: { request: [{ propagate: { named: x-a, rename: X-Stage } }] } }
`
    const at = (subgraph: string, index: number) =>
      `subgraphs.${subgraph}.headers.request[${index}].propagate`
    expect(problemsOf(text)).toEqual([
      `${at('all', 0)}.named: "x-my-pass" may carry an access token: set pass_token: true for each subgraph that needs it`,
      `${at('all', 1)}.named: "x_stage" is in claims.subgraphs.users.headers: the gateway writes it`,
      `${at('users', 0)}.rename: "x-stage" is in claims.subgraphs.users.headers: the gateway writes it`,
    ])
  })
})

test('a client is named with its issuer where there are several', () => {
  const accounts = `{ ${issuer}, discovery: true }`
  const partners = '{ issuer: https://partners.example.com, audiences: [a], discovery: true }'
  const problems = (issuers: string, client: string) =>
    problemsOf(
      `authentication: { issuers: [${issuers}] }\noperations: { exempt: { clients: [${client}] } }`,
    )
  const named = '{ issuer: https://partners.example.com, client: app }'
  expect(problems(accounts, 'app')).toEqual([])
  expect(problems(`${accounts}, ${partners}`, named)).toEqual([])
  expect(problems(`${accounts}, ${partners}`, 'app')).toEqual([
    'operations.exempt.clients[0]: there are several issuers, and each may have a client app: write { issuer: ..., client: app }',
  ])
  expect(problems(accounts, named)).toEqual([
    'operations.exempt.clients[0].issuer: is the issuer of no entry of authentication.issuers',
  ])
  expect(problems(accounts, '{ client: app }')).toEqual([
    'operations.exempt.clients[0]: expected the id of a client, or { issuer: ..., client: ... }',
  ])
})

test('a rate of cost needs an estimate, and a caller that it belongs to', () => {
  const problems = (rule: string, more = '') =>
    problemsOf(`${authentication}\nrates: { rules: [{ ${rule}, limit: 5, per: 1m }] }\n${more}`)
  const limited = 'limits: { cost: { max: 5 } }'
  expect(problems('by: client, count: cost', limited)).toEqual([])
  expect(problems('by: client, count: cost')).toEqual([
    'rates.rules[0].count: cost needs limits.cost, such as cost: { max: 1000 }; with mode: measure, it refuses nothing by itself',
  ])
  expect(problems('by: operation, count: cost', limited)).toEqual([
    'rates.rules[0].count: by: operation counts root fields: count cost by subject, client or address',
  ])
})

test('the access token does not pass to a subgraph for which every caller is anonymous', () => {
  const subgraphs = 'claims: { subgraphs: { users: { anonymous: true } } }'
  const problems = (passToken: boolean) =>
    problemsOf(
      `${authentication}\n${subgraphs}\nsubgraphs: { users: { pass_token: ${passToken} } }`,
    )
  expect(problems(false)).toEqual([])
  expect(problems(true)).toEqual([
    'subgraphs.users.pass_token: contradicts claims.subgraphs.users.anonymous: true: leave one of them out',
  ])
})

describe('the former name of a key', () => {
  const fileWith = (names: Record<string, string>) => `
authentication:
  issuers:
    - issuer: https://id.example.com
      audiences: [portcullis]
      discovery: true
      revocation: { ${names.not_before}: https://id.example.com/revocations }
  api_keys:
    ${names.token_endpoint}: https://id.example.com/token
    ${names.subject_token_type}: x
claims: { subgraphs: { shop: { ${names.client_headers}: true } } }
subgraphs:
  all: { ${names.circuit_breaker}: false, ${names.batch_entity_fetches}: false }
  shop: { ${names.deduplicate_requests}: true }
`
  const current = Object.fromEntries(Object.values(renamedKeys).map((name) => [name, name]))
  const former = Object.fromEntries(
    Object.entries(renamedKeys).map(([path, name]) => [name, path.split('.').at(-1)!]),
  )

  test('means the same as the current one, with a warning that says what to write', () => {
    const reading = checkConfig(file(fileWith(former)), {})
    expect(reading).toMatchObject({ outcome: 'valid' })
    const { warnings } = reading
    expect(reading).toEqual({ ...checkConfig(file(fileWith(current)), {}), warnings })
    expect(checkConfig(file(fileWith(current)), {}).warnings).toEqual([])
    expect(warnings).toHaveLength(Object.keys(renamedKeys).length)
    expect(warnings).toContainEqual({
      path: 'authentication.issuers[0].revocation.cut_offs',
      line: 7,
      message: 'is the former name of not_before: write not_before instead',
    })
  })

  test('is an error beside the current one', () => {
    expect(
      problemsOf(
        `${authentication}\nsubgraphs: { all: { join: true, batch_entity_fetches: false }, x: { a: 1 } }`,
      ),
    ).toEqual([
      'subgraphs.all.join: is the former name of batch_entity_fetches, which is given too: remove this one',
      'subgraphs.x.a: is not a known key',
    ])
  })

  test('is where a problem with its value is reported', () => {
    const text = `${authentication}\nsubgraphs: { all: { breaker: { failures: 0, x: 1 } } }`
    expect(problemsOf(text)).toEqual([
      'subgraphs.all.breaker.failures: expected a whole number from 1 to 10000',
      'subgraphs.all.breaker.x: is not a known key',
    ])
    expect(checkConfig(file(text), {}).warnings).toHaveLength(1)
  })

  test('is known only in its own place', () => {
    expect(problemsOf(`${authentication}\njoin: true\nhttp: { share: true }`)).toEqual([
      'http.share: is not a known key',
      'join: is not a known key',
    ])
  })

  test('is in the JSON Schema, as deprecated', () => {
    const schema = z.fromJSONSchema(configJsonSchema() as z.core.JSONSchema.JSONSchema)
    const isValid = (text: string) => schema.safeParse(parse(text)).success
    expect(isValid(fileWith(current))).toBe(true)
    expect(isValid(fileWith(former))).toBe(true)
    expect(isValid(fileWith({ ...former, client_headers: 'unknown' }))).toBe(false)
    expect(JSON.stringify(configJsonSchema()).match(/"deprecated":true/g)).toHaveLength(
      Object.keys(renamedKeys).length,
    )
  })

  test('is one warning in the log of a gateway that starts', async () => {
    const path = file(fileWith(former))
    const { output } = await runGatewayMain('--config', path, '--supergraph', 'nowhere.graphql')
    const warnings = output.split('\n').filter((line) => line.includes('former names of keys'))
    expect(warnings).toHaveLength(1)
    expect(JSON.parse(warnings[0]!)).toMatchObject({
      level: 40,
      config: path,
      keys: expect.arrayContaining([
        'line 14, subgraphs.shop.share: is the former name of deduplicate_requests: write deduplicate_requests instead',
      ]),
    })
  })
})

test('the deadline of a request, the cookies of a subgraph, API keys, other logins', () => {
  const config = readConfig(
    file(`
authentication:
  issuers: [{ ${issuer}, discovery: true }]
  api_keys: { token_endpoint: 'https://id.example.com/token', prefix: key_, entries: 5, refused_for: 1s }
claims: { subgraphs: { shop: { cookies: [cart, __Host-x] } } }
http: { deadline: 5s }
authorization: { step_up: { strong: { acr_values: [aal2] }, recent: { max_age: 5m } } }
`),
    {},
  )
  expect(config.http.deadline).toBe(5_000)
  expect(config.claims.subgraphs.shop?.cookies).toEqual(['cart', '__Host-x'])
  expect(config.authentication.apiKeys).toEqual({
    tokenEndpoint: 'https://id.example.com/token',
    prefix: 'key_',
    subjectTokenType: 'urn:portcullis:params:oauth:token-type:api-key',
    timeout: 1_500,
    entries: 5,
    refusedFor: 1_000,
  })
  expect(config.authorization.stepUp).toEqual({
    strong: { acrValues: ['aal2'], maxAge: undefined },
    recent: { acrValues: [], maxAge: 300 },
  })
  const plain = readConfig(file(authentication), {})
  expect(plain.http.deadline).toBe(30_000)
  expect(plain.authentication.apiKeys).toBeUndefined()
})

test('the JSON Schema has every section, refuses unknown keys, and allows placeholders', () => {
  const schema = configJsonSchema() as { properties: object; additionalProperties: boolean }
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['authentication', 'claims', 'authorization', 'subgraphs', 'http']),
  )
  expect(schema.additionalProperties).toBe(false)
  expect(JSON.stringify(schema)).toContain('\\\\$\\\\{(env|file)')
})

describe('npm run config', () => {
  test('check says that a file is valid, exit code 0', async () => {
    const path = file(authentication)
    expect(await run('check', path)).toEqual({ code: 0, output: `${path} is valid\n` })
  })

  test('check lists the problems, exit code 1; as JSON on request', async () => {
    const path = file('workers: 0')
    const { code, output } = await run('check', path)
    expect(code).toBe(1)
    expect(output).toContain(`${path}: line 1, workers: expected a whole number`)
    const json = JSON.parse((await run('check', path, '--format', 'json')).output)
    expect(json).toMatchObject({ valid: false, problems: expect.any(Array) })
  })

  test('check warns of what is allowed but seldom meant, exit code 0', async () => {
    const other = 'issuer: https://b.example, audiences: [x], discovery: true'
    const path = file(
      `authentication: { issuers: [{ ${issuer}, discovery: true }, { ${other}, subject_prefix: b }] }`,
    )
    const { code, output } = await run('check', path)
    expect(code).toBe(0)
    expect(output).toContain(`${path} is valid`)
    expect(output).toMatch(/warning: .*id.example.com, .*b.example.*: .* begin with admin:/)
    const json = JSON.parse((await run('check', path, '--format', 'json')).output)
    expect(json).toMatchObject({ valid: true, problems: [], warnings: [expect.any(String)] })
  })

  test('check warns of the former names of keys, exit code 0', async () => {
    const path = file(`${authentication}\nsubgraphs: { all: { share: true } }`)
    expect(await run('check', path)).toEqual({
      code: 0,
      output: `${path} is valid\n${path}: warning: line 2, subgraphs.all.share: is the former name of deduplicate_requests: write deduplicate_requests instead\n`,
    })
  })

  test('show prints presets in full, and no value of the environment', async () => {
    const path = file(
      `authentication: { issuers: [{ preset: okta, issuer: 'https://\${env.PATH}', audiences: [x] }] }`,
    )
    const { code, output } = await run('show', path)
    expect(code).toBe(0)
    expect(parse(output).authentication.issuers).toEqual([
      {
        issuer: 'https://${env.PATH}',
        audiences: ['x'],
        algorithms: ['RS256'],
        token_types: ['JWT'],
        discovery: true,
        scopes_claim: 'scp',
      },
    ])
  })

  test('schema prints JSON', async () => {
    expect(JSON.parse((await run('schema')).output)).toEqual(configJsonSchema())
  })

  test('anything else is one line', async () => {
    expect(await run('chekc')).toEqual({
      code: 1,
      output:
        'config: give `schema`, `show FILE`, or `check FILE` with or without --format: see --help\n',
    })
  })
})

interface Run {
  readonly code: number
  readonly output: string
}

function run(...words: string[]): Promise<Run> {
  return runModule('scripts/config', words)
}

function runGatewayMain(...words: string[]): Promise<Run> {
  const env = { PATH: process.env.PATH, GATEWAY_SECRET: 'a secret that only this test knows' }
  return runModule('gateway/main', words, env)
}

function runModule(module: string, words: string[], env = process.env): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, runCompiled(module, ...words), { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })
}
