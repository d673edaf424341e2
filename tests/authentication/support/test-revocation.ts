/** The revocation documents of an issuer: a Token Status List, and its not-before policy. */
import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { SignJWT } from 'jose'
import type { TestIssuer, TestKey } from './test-issuer.ts'

export interface TestRevocation {
  readonly listUri: string
  readonly notBeforeUri: string
  /** Marks an index; the next request sees it. */
  revoke(index: number, status?: number): void
  readonly subjects: Map<string, number>
  readonly generations: Map<string, number>
  readonly keys: Set<string>
  /** Changes to what is signed, for documents that are wrong. */
  claims: Record<string, unknown>
  type: string | undefined
  signer: TestKey
  /** How often a list was sent, and how often it had not changed. */
  readonly answers: { sent: number; unchanged: number }
}

/** Makes the issuer publish `/status-lists/1` and `/revocations`. */
export function publishRevocation(
  issuer: TestIssuer,
  signer: TestKey,
  { bits = 1, size = 2 ** 20 }: { bits?: 1 | 2 | 4 | 8; size?: number } = {},
): TestRevocation {
  const bytes = Buffer.alloc((size * bits) / 8)
  const origin = new URL(issuer.jwksUri).origin
  const now = () => Math.floor(Date.now() / 1_000)
  const self: TestRevocation = {
    listUri: `${origin}/status-lists/1`,
    notBeforeUri: `${origin}/revocations`,
    revoke(index, status = 1) {
      const perByte = 8 / bits
      bytes[Math.floor(index / perByte)]! |= status << ((index % perByte) * bits)
    },
    subjects: new Map(),
    generations: new Map(),
    keys: new Set(),
    claims: {},
    type: undefined,
    signer,
    answers: { sent: 0, unchanged: 0 },
  }

  const publish = (path: string, type: string, content: () => Record<string, unknown>) => {
    issuer.handlers[path] = async (request, response) => {
      const payload = { ...content(), ...self.claims }
      const etag = `"${createHash('sha256').update(JSON.stringify(payload)).digest('hex')}"`
      if (request.headers['if-none-match'] === etag) {
        self.answers.unchanged++
        return void response.writeHead(304, { etag }).end()
      }
      self.answers.sent++
      const signed = {
        iss: issuer.issuer,
        sub: origin + path,
        iat: now(),
        exp: now() + 3_600,
        ttl: 5,
      }
      const text = await new SignJWT({ ...signed, ...payload })
        .setProtectedHeader({
          alg: self.signer.algorithm,
          kid: self.signer.keyId,
          typ: self.type ?? type,
        })
        .sign(self.signer.privateKey)
      response.writeHead(200, { 'content-type': `application/${type}`, etag }).end(text)
    }
  }
  publish('/status-lists/1', 'statuslist+jwt', () => ({
    status_list: { bits, lst: deflateSync(bytes).toString('base64url') },
  }))
  publish('/revocations', 'revocations+jwt', () => ({
    subjects: Object.fromEntries(self.subjects),
    generations: Object.fromEntries(self.generations),
    keys: [...self.keys],
  }))
  return self
}
