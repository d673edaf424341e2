/** Which headers may pass the gateway: never, only by their own name, or by a pattern as well. */

/**
 * Returns the name as servers may read it: behind CGI, WSGI or PHP, `x_user.id` cannot be told from `X-User-Id`.
 * Names are compared in this form.
 */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

/** Headers of one connection, which end at the gateway (RFC 9110 section 7.6.1). */
const ofConnection = [
  'connection',
  'http2-settings',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** Those of the request that the gateway makes: its form, its conditions, and what the gateway itself says in it. */
const ofOurRequest = new Set([
  ...ofConnection,
  'accept',
  'accept-charset',
  'accept-encoding',
  'baggage',
  'early-data',
  'expect',
  'host',
  'last-event-id',
  'max-forwards',
  // A CGI program takes it for the environment variable HTTP_PROXY.
  'proxy',
  'range',
  'traceparent',
  'tracestate',
  'x-request-id',
])

const beginOurRequest =
  /^(content|gateway|if|proxy|sec-websocket|x-http-method|x-method-override|x-portcullis)(-|$)/

/** Returns why no rule may send a header of that name to subgraphs; undefined if one may. */
export function whyNeverSent(name: string): string | undefined {
  const folded = foldedName(name)
  if (folded === 'authorization') {
    return 'carries the access token: set pass_token: true for each subgraph that needs it'
  }
  if (folded === 'cookie') {
    return 'carries every cookie: name those that a subgraph needs in claims.subgraphs.NAME.cookies'
  }
  if (ofOurRequest.has(folded) || beginOurRequest.test(folded)) {
    return 'is a header of the connection, or one that the gateway writes itself'
  }
  return undefined
}

const identityWords = [
  ...['addr', 'dn', 'host', 'internal', 'ip', 'key', 'org', 'original', 'real', 'rewrite', 'sub'],
  ...['uid', 'upn'],
]

const identityStems = [
  ...['account', 'admin', 'apikey', 'auth', 'cert', 'claim', 'clientcert', 'clientip', 'consumer'],
  ...['cred', 'customer', 'email', 'forwarded', 'group', 'identity', 'impersonat', 'jwt', 'login'],
  ...['member', 'oauth', 'oidc', 'openid', 'organi', 'owner', 'password', 'permission'],
  ...['principal', 'privilege', 'remote', 'role', 'saml', 'scope', 'secret', 'session'],
  ...['signature', 'socketip', 'sso', 'subject', 'tenant', 'token', 'user', 'webauth'],
]

/** Those by which proxies and platforms report who the client is. */
const identityBeginnings = [
  ...['cf', 'cloudfront', 'dpop', 'fastly', 'fly', 'ssl', 'tailscale', 'x-amz', 'x-amzn'],
  ...['x-appengine', 'x-envoy', 'x-goog', 'x-hasura', 'x-ms', 'x-pomerium', 'x-ssl', 'x-vercel'],
  'x-vouch',
]

const identity = new RegExp(
  `^(${identityBeginnings.join('|')})(-|$)` +
    `|(^|-)(${identityStems.join('|')})` +
    `|(^|-)(${identityWords.join('|')})(-|$)`,
)

/**
 * Returns whether a header may say who a caller is, or where it comes from: a subgraph may believe it, so a
 * pattern does not pass it.
 */
export function isIdentityHeader(name: string): boolean {
  return identity.test(foldedName(name))
}

/** Those of the response that the gateway makes, and those that would make somebody else do something. */
const ofOurResponse = new Set([
  ...ofConnection,
  'accept-ranges',
  'age',
  'authentication-info',
  'authorization',
  'date',
  'etag',
  'expires',
  'last-modified',
  // Caches would take the query of an operation for no part of its URL.
  'no-vary-search',
  'pragma',
  'traceparent',
  'tracestate',
  'vary',
  'www-authenticate',
  'x-request-id',
  'x-reproxy-url',
  'x-sendfile',
])

/**
 * `x-accel-redirect` makes nginx send one of its files; `cdn-cache-control` overrides `cache-control` (RFC 9213), as
 * `edge-control` does at Akamai.
 */
const beginOurResponse =
  /^(access-control|content|edge-control|gateway|proxy|surrogate-control|x-accel|x-lighttpd)(-|$)|.-cache-control$/

/** Returns why no rule may pass a header of that name to clients; undefined if one may. */
export function whyNeverReturned(name: string): string | undefined {
  const folded = foldedName(name)
  if (folded === 'set-cookie' || folded === 'set-cookie2') {
    return 'is for cookies: name those that a subgraph may set in claims.subgraphs.NAME.cookies'
  }
  if (ofOurResponse.has(folded) || beginOurResponse.test(folded)) {
    return 'is a header of the connection, or one that the gateway writes itself'
  }
  return undefined
}

/** Headers that browsers and caches obey, or that describe the server. */
const obeyed = new Set([
  ...['accept-ch', 'allow', 'alt-svc', 'cache-control', 'clear-site-data', 'critical-ch'],
  ...['document-policy', 'expect-ct', 'feature-policy', 'link', 'location', 'nel'],
  ...['origin-agent-cluster', 'permissions-policy', 'public-key-pins', 'referrer-policy'],
  ...['refresh', 'report-to', 'reporting-endpoints', 'retry-after', 'server'],
  ...['service-worker-allowed', 'set-login', 'sourcemap', 'speculation-rules'],
  ...['strict-transport-security', 'supports-loading-mode', 'timing-allow-origin'],
  ...['use-as-dictionary', 'via', 'x-content-type-options', 'x-dns-prefetch-control'],
  ...['x-frame-options', 'x-permitted-cross-domain-policies', 'x-powered-by', 'x-robots-tag'],
  'x-xss-protection',
])

/** Returns whether a pattern may pass a header of a client to subgraphs. */
export function mayMatchForSubgraph(name: string): boolean {
  return isPlain(name) && !whyNeverSent(name) && !isIdentityHeader(name)
}

/** Returns whether a pattern may pass a header of a subgraph to clients. */
export function mayMatchForClient(name: string): boolean {
  if (!isPlain(name) || whyNeverReturned(name) || isIdentityHeader(name)) return false
  return !obeyed.has(name) && !name.startsWith('cross-origin-')
}

/** Any other name may be read as the name of another header. */
function isPlain(name: string): boolean {
  return /^[a-z0-9-]+$/.test(name)
}

/**
 * Returns the names that `Connection` fields list: these headers are for the connection alone (RFC 9110 section
 * 7.6.1).
 */
export function connectionOptions(values: readonly string[] | undefined): ReadonlySet<string> {
  if (values === undefined) return noNames
  if (values.length === 1 && /^(keep-alive|close)$/i.test(values[0]!)) return noNames
  return new Set(
    values.flatMap((value) => value.split(',')).map((name) => name.trim().toLowerCase()),
  )
}

const noNames: ReadonlySet<string> = new Set()
