/** An identity provider for tests: real keys, a real HTTP server, and every way to misbehave. */
import { KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from 'jose'

export interface TestKey {
  readonly keyId: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function testKey(algorithm = 'ES256', keyId = `${algorithm}-1`): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, use: 'sig' }
  return { keyId, algorithm, privateKey, jwk }
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface TestIssuer {
  /** The value of `iss`, and the origin of the server. */
  readonly issuer: string
  readonly jwksUri: string
  /** How many requests each path has got. */
  readonly requests: Record<string, number>
  /** The published keys; change the array to rotate. */
  keys: JWK[]
  /** Answers instead of the well-behaved handler of that path, while set. */
  handlers: Record<string, Handler>
  sign(key: TestKey, claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
  /** The server goes away, and can come back at the same port. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

export interface TestIssuerOptions {
  keys?: JWK[]
  /** Put after the origin to make the issuer identifier. */
  path?: string
  audience?: string | string[]
}

export async function testIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { path = '', audience = 'portcullis' } = options
  let server: Server = createServer(answer)
  await listen(server, 0)
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`

  const self: TestIssuer = {
    issuer: origin + path,
    jwksUri: `${origin}/jwks`,
    requests: {},
    keys: options.keys ?? [],
    handlers: {},
    sign(key, claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const defaults = {
        iss: self.issuer,
        aud: audience,
        sub: 'subject-1',
        iat: now,
        exp: now + 300,
        jti: 'token-1',
        scope: 'profile',
        name: 'Alice',
      }
      const payload = Object.entries({ ...defaults, ...claims })
      return new SignJWT(Object.fromEntries(payload.filter(([, value]) => value !== undefined)))
        .setProtectedHeader({
          alg: key.algorithm,
          kid: key.keyId,
          typ: 'at+jwt',
          ...header,
        } as JWTHeaderParameters)
        .sign(key.privateKey)
    },
    async goAway() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    async comeBack() {
      server = createServer(answer)
      await listen(server, port)
    },
    async close() {
      if (server.listening) await self.goAway()
    },
  }
  return self

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/'
    self.requests[path] = (self.requests[path] ?? 0) + 1
    const handler = self.handlers[path]
    if (handler) return handler(request, response)
    if (path === '/jwks') return json(response, { keys: self.keys })
    response.writeHead(404).end()
  }
}

export function json(response: ServerResponse, body: unknown, headers = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
}

/** A JWS with any header and payload, whether sensible or not, signed by node:crypto. */
export function forge(key: TestKey, header: unknown, payload: unknown): string {
  const encode = (part: unknown) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const signingInput = `${encode(header)}.${encode(payload)}`
  return `${signingInput}.${rawSignature(key, signingInput)}`
}

function rawSignature({ algorithm, privateKey }: TestKey, signingInput: string): string {
  const key = KeyObject.from(privateKey as Parameters<typeof KeyObject.from>[0])
  const digest = algorithm.startsWith('Ed') ? null : 'sha256'
  const options = { key, dsaEncoding: 'ieee-p1363' } as const
  return sign(digest, Buffer.from(signingInput), options).toString('base64url')
}
