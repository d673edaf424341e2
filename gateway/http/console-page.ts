/**
 * The page for people: see docs/console.md. What the browser runs is in `gateway/console/`, which the build bundles
 * into two files; the server only sends them.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { json, Router } from 'express'
import type { Request, Response } from 'express'
import { GatewayError } from '../errors.ts'
import { distinctHeaders } from './distinct-headers.ts'
import { errorResponse } from './error-response.ts'
import type { ErrorResponseOptions } from './error-response.ts'
import type { HttpResponse, RequestHeaders } from './http-message.ts'
import type { SendResponse } from './send-response.ts'

const folder = new URL('../console/', import.meta.url)

/** The files of the page, with their media types. */
const files: Readonly<Record<string, string>> = {
  'page.js': 'text/javascript; charset=utf-8',
  'page.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
}

/** Whether the files are there: what runs from TypeScript has not been built. */
const isBuilt = Object.keys(files).every((name) => existsSync(new URL(name, folder)))

/** What the page needs of the gateway. */
export interface ConsoleParts {
  /** Whether the page is on; otherwise a browser reads at `/` where the graph is. */
  readonly shows: boolean
  /** Rejects with a GatewayError unless explanations are for the caller of a request with these headers. */
  readonly admit: (headers: RequestHeaders, address: string | undefined) => Promise<void>
  /** Returns how a credential is judged, for JSON. */
  readonly explainCredential: (credential: string) => Promise<object>
  /** Returns the types and fields with their guards, for JSON. */
  readonly describeGraph: () => object
}

/** Returns the routes of the page. */
export function consolePage(
  { shows, admit, explainCredential, describeGraph }: ConsoleParts,
  { send, realm }: { send: SendResponse } & Pick<ErrorResponseOptions, 'realm'>,
): Router {
  const router = Router()
  const isOn = shows && isBuilt
  router.get(isOn ? ['/', '/graphql'] : '/', (request, response, next) => {
    if (!isVisit(request)) return next()
    send(request, response, isOn ? page() : signpost(shows))
  })
  if (!isOn) return router
  for (const [name, mediaType] of Object.entries(files)) {
    router.get(`/console/${name}`, async (request, response) => {
      const body = await readFile(new URL(name, folder), 'utf8')
      send(request, response, { status: 200, headers: headersOf(mediaType, nothing), body })
    })
  }
  // Only JSON is read: a page of another origin would have to ask first (Fetch standard, CORS-preflight).
  router.post('/console/token', json({ limit: '20kb' }), (request, response) =>
    explain(request, response, async () => {
      const credential: unknown = request.body?.credential
      if (typeof credential === 'string') return explainCredential(credential)
      throw new GatewayError('BAD_REQUEST', { message: 'Send {"credential": "..."}' })
    }),
  )
  router.get('/console/graph', (request, response) =>
    explain(request, response, async () => describeGraph()),
  )
  return router

  async function explain(
    request: Request,
    response: Response,
    explanation: () => Promise<object>,
  ): Promise<void> {
    const explained = admit(distinctHeaders(request), request.ip)
      .then(explanation)
      .then(jsonResponse)
    send(request, response, await explained.catch(refusal))
  }

  function refusal(cause: unknown): HttpResponse {
    if (cause instanceof GatewayError) return errorResponse(cause, { realm })
    throw cause
  }
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
function page(): HttpResponse {
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
