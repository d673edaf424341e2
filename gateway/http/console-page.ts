/**
 * The page for people: see docs/console.md. What the browser runs is in `gateway/console/`, which the build bundles
 * into two files; the server only sends them.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { raw, Router } from 'express'
import type { Request, Response } from 'express'
import { GatewayError } from '../errors.ts'
import { distinctHeaders } from './distinct-headers.ts'
import { errorResponse } from './error-response.ts'
import type { ErrorResponseOptions } from './error-response.ts'
import type { HttpResponse, RequestHeaders } from './http-message.ts'
import { isOfThisMachine } from './own-machine.ts'
import { isFromOtherOrigin } from './own-origin.ts'
import type { SendResponse } from './send-response.ts'

const folder = new URL('../console/', import.meta.url)

/** The files of the page, with their media types. */
const files: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'licenses.txt': 'text/plain; charset=utf-8',
}

/** Whether the files are there: what runs from TypeScript has not been built. */
const isBuilt = Object.keys(files).every((name) => existsSync(new URL(name, folder)))

/** What the page needs of the gateway. */
export interface ConsoleParts {
  /** Whether the page is on; otherwise a browser reads at `/` where the graph is. */
  readonly shows: boolean
  /** Whether callers can log in with tokens in cookies, which the gateway then reads. */
  readonly sessionCookies: boolean
  /** An account that the page offers at its login on this machine, as `username:password`. */
  readonly account?: string | undefined
  /** Rejects with a GatewayError unless explanations are for the caller of a request with these headers. */
  readonly admit: (headers: RequestHeaders, address: string | undefined) => Promise<void>
  /** Returns the credential of a request with these headers; undefined if it has none. */
  readonly credentialOf: (headers: RequestHeaders) => string | undefined
  /** Returns how a credential that comes from an address is judged, for JSON. */
  readonly explainCredential: (credential: string, address: string | undefined) => Promise<object>
  /** Returns the types and fields with their guards, for JSON. */
  readonly describeGraph: () => object
}

/** Returns the routes of the page. */
export function consolePage(
  parts: ConsoleParts,
  { send, realm }: { send: SendResponse } & Pick<ErrorResponseOptions, 'realm'>,
): Router {
  const { shows, admit, credentialOf, explainCredential, describeGraph } = parts
  const router = Router()
  const isOn = shows && isBuilt
  router.get(isOn ? ['/', '/graphql'] : '/', (request, response, next) => {
    if (!isVisit(request)) return next()
    send(request, response, isOn ? page(parts, request) : signpost(shows))
  })
  if (!isOn) return router
  for (const [name, mediaType] of Object.entries(files)) {
    router.get(`/console/${name}`, async (request, response) => {
      const body = await readFile(new URL(name, folder), 'utf8')
      // It is the same for everybody: compressed, its length tells nothing of a cookie.
      delete request.headers.cookie
      send(request, response, { status: 200, headers: headersOf(mediaType, nothing), body })
    })
  }
  router.post('/console/token', raw({ type: () => true, limit: '20kb' }), (request, response) =>
    explain(request, response, async (headers) => {
      const credential = namedCredential(request) ?? credentialOf(headers)
      if (credential !== undefined) return explainCredential(credential, request.ip)
      throw malformed('The request itself has no credential')
    }),
  )
  router.get('/console/graph', (request, response) =>
    explain(request, response, async () => describeGraph()),
  )
  return router

  async function explain(
    request: Request,
    response: Response,
    explanation: (headers: RequestHeaders) => Promise<object>,
  ): Promise<void> {
    const headers = distinctHeaders(request)
    const explained = admitted(request, headers)
      .then(() => explanation(headers))
      .then(jsonResponse)
    send(request, response, await explained.catch(refusal))
  }

  /** The request may have a cookie, which a browser sends by itself. */
  async function admitted(request: Request, headers: RequestHeaders): Promise<void> {
    if (isFromOtherOrigin(request.headers)) {
      const message = 'Explanations are only for pages of the origin of the gateway'
      throw new GatewayError('ORIGIN_REFUSED', { message })
    }
    await admit(headers, request.ip)
  }

  function refusal(cause: unknown): HttpResponse {
    if (cause instanceof GatewayError) return errorResponse(cause, { realm })
    throw cause
  }
}

/**
 * Returns the credential that a request names in its body. Only JSON is read: a page of another origin would have to
 * ask first (Fetch standard, CORS-preflight). No message repeats the body, which has a secret.
 */
function namedCredential(request: Request): string | undefined {
  if (!request.is('application/json')) {
    const message = `The body is not application/json: ${howToAsk}`
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { message })
  }
  const body = parsed(request.body)
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw malformed('The body is not a JSON object')
  }
  const { credential } = body as { readonly credential?: unknown }
  if (credential === undefined || typeof credential === 'string') return credential
  throw malformed('`credential` is not a string')
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    throw new GatewayError('INVALID_JSON', { message: `The body is not valid JSON: ${howToAsk}` })
  }
}

const howToAsk = 'send {"credential": "..."}, or {} for the credential of the request itself'

function malformed(what: string): GatewayError {
  return new GatewayError('BAD_REQUEST', { message: `${what}: ${howToAsk}` })
}

function jsonResponse(value: object): HttpResponse {
  const headers = {
    ...headersOf('application/json; charset=utf-8', nothing),
    'cache-control': 'no-store',
  }
  return { status: 200, headers, body: JSON.stringify(value) }
}

/** A browser at the address of the gateway prefers HTML, and has no operation; programs prefer JSON. */
function isVisit(request: Request): boolean {
  const accept = request.headers.accept
  if (accept === undefined || !accept.includes('text/html')) return false
  if (request.originalUrl.includes('?')) return false
  return request.accepts(['application/json', 'text/html']) === 'text/html'
}

const nothing = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"

/**
 * Nothing but the files of the page runs, styles are those of the page and of its editor, which has the nonce, and
 * requests go to the origin of the page (Content Security Policy Level 3). No text becomes markup (Trusted Types).
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

function headersOf(mediaType: string, contentSecurityPolicy: string): Record<string, string> {
  return {
    'content-type': mediaType,
    'cache-control': 'no-cache',
    'content-security-policy': contentSecurityPolicy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

const htmlType = 'text/html; charset=utf-8'

/** The addresses are relative: a proxy may serve the gateway below a path. */
function page(
  { sessionCookies, account = '' }: ConsoleParts,
  { headers: sent }: Request,
): HttpResponse {
  const offered = isOfThisMachine(sent) ? account : ''
  const nonce = randomBytes(16).toString('base64')
  const headers = { ...headersOf(htmlType, policy(nonce)), 'cache-control': 'no-store' }
  return {
    status: 200,
    headers,
    body: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="style-nonce" content="${nonce}">
    <meta name="session-cookies" content="${sessionCookies ? 'on' : 'off'}">
    <meta name="account" content="${escaped(offered)}">
    <title>Portcullis</title>
    <link rel="icon" href="./console/icon.svg">
    <link rel="stylesheet" href="./console/page.css">
    <script type="module" src="./console/page.js"></script>
  </head>
  <body>
    <noscript>This page needs JavaScript. The graph is at ./graphql.</noscript>
  </body>
</html>
`,
  }
}

/** Returns a text for an attribute in double quotes (HTML standard, section 13.1.2.3). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
}

/** Where the graph is, for a person who has only its address. */
function signpost(shows: boolean): HttpResponse {
  const why = shows
    ? 'The page that explains decisions is not built: run <code>npm run build</code>.'
    : 'The page that explains decisions is off: see <code>console</code> in gateway.yaml.'
  return {
    status: 200,
    headers: headersOf(htmlType, nothing),
    body: `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="color-scheme" content="light dark">
    <title>GraphQL</title>
  </head>
  <body>
    <h1>The graph is at <code>/graphql</code></h1>
    <p>Send operations with POST, as JSON. ${why}</p>
  </body>
</html>
`,
  }
}
