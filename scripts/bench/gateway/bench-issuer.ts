/** An issuer of access tokens for the benchmark, in the benchmark's own process. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

export interface BenchIssuer {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  /** Returns the given number of different access tokens. */
  tokens(count: number): Promise<string[]>
  close(): Promise<void>
}

/** Returns an issuer that is listening. */
export async function startBenchIssuer(): Promise<BenchIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const header = { alg: 'ES256', kid: 'bench', typ: 'at+jwt' }
  const jwk = { ...(await exportJWK(publicKey)), kid: header.kid, alg: header.alg, use: 'sig' }
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const audience = 'bench'

  return {
    issuer,
    jwksUri: `${issuer}/.well-known/jwks.json`,
    audience,
    tokens: (count) =>
      Promise.all(
        Array.from({ length: count }, (_, index) =>
          new SignJWT({ scope: 'profile', client_id: 'bench', jti: `token-${index}` })
            .setProtectedHeader(header)
            .setIssuer(issuer)
            .setAudience(audience)
            .setSubject(String(index + 1))
            .setIssuedAt()
            .setExpirationTime('4h')
            .sign(privateKey),
        ),
      ),
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}
