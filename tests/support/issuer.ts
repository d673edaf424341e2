/** A real issuer on its own port: publishes its keys, signs tokens for tests. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface TestIssuer {
  readonly issuer: string
  readonly jwksUri: string
  /** How often its keys were fetched. */
  asked(): number
  /** Returns a valid access token (RFC 9068) with the given changes; a claim set to undefined is left out. */
  accessToken(
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>
  close(): Promise<void>
}

export async function startIssuer(algorithm: 'ES256' | 'RS256' = 'ES256'): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm)
  const keyId = `test-${algorithm}`
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' }
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    issuer,
    asked: () => asked,
    jwksUri: `${issuer}/.well-known/jwks.json`,
    accessToken(claims = {}, header = {}) {
      const now = Math.floor(Date.now() / 1000)
      const payload = {
        iss: issuer,
        aud: 'portcullis',
        sub: '1',
        client_id: 'tests',
        iat: now,
        exp: now + 300,
        jti: 'test-token',
        sid: 'test-session',
        scope: 'profile',
        name: 'Alice',
        ...claims,
      }
      return new SignJWT(payload)
        .setProtectedHeader({ alg: algorithm, kid: keyId, typ: 'at+jwt', ...header })
        .sign(privateKey)
    },
    close: () => new Promise((closed) => void server.close(() => closed())),
  }
}
