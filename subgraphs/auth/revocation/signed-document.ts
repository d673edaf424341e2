/**
 * A document that gateways fetch every few seconds: a signed JWT, signed again when its content
 * changes, and otherwise the same bytes, so that a conditional request is cheap.
 */
import { createHash } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SigningKeys } from '../tokens/signing-keys.ts'

/** The content of a document: equal fingerprints mean equal content. */
export interface DocumentContent {
  readonly fingerprint: string
  payload(): Record<string, unknown>
}

export interface SignedDocumentOptions {
  /** The `typ`. */
  type: string
  issuer: string
  /** Its own address: the `sub`. */
  uri: () => string
  keys: SigningKeys
  read: () => Promise<DocumentContent>
  now: () => number
}

export interface SignedDocument {
  readonly jwt: string
  readonly etag: string
}

/** The least time between two database queries, for any number of gateways, in milliseconds. */
const readInterval = 250

/** After what time an unchanged document is signed again, in milliseconds: 10 minutes. */
const renewal = 10 * 60 * 1000

/** How long a document may be used if no newer one can be fetched, in seconds. */
const lifetime = 3600

/** After how many seconds a gateway should fetch again. */
const timeToLive = 5

/** Returns a function that returns the document, never older than a quarter of a second. */
export function signedDocument(options: SignedDocumentOptions): () => Promise<SignedDocument> {
  const { read, keys, now } = options
  let latest: (SignedDocument & { fingerprint: string; signedAt: number }) | undefined
  let checkedAt = -Infinity
  let checking: Promise<SignedDocument> | undefined

  return async () => {
    if (latest && age(checkedAt) < readInterval) return latest
    checking ??= check().finally(() => (checking = undefined))
    return checking
  }

  async function check(): Promise<SignedDocument> {
    const startedAt = now()
    const [content, key] = await Promise.all([read(), keys.current()])
    const fingerprint = `${key.id} ${content.fingerprint}`
    if (latest?.fingerprint !== fingerprint || age(latest.signedAt) >= renewal) {
      const jwt = await sign(content)
      latest = { jwt, etag: etagOf(jwt), fingerprint, signedAt: startedAt }
    }
    checkedAt = startedAt
    return latest
  }

  /** A clock that was set back must not make a document look fresh until it has caught up. */
  function age(since: number): number {
    return Math.abs(now() - since)
  }

  async function sign(content: DocumentContent): Promise<string> {
    const key = await keys.current()
    const issuedAt = Math.floor(now() / 1000)
    return new SignJWT({ ...content.payload(), ttl: timeToLive })
      .setProtectedHeader({ typ: options.type, alg: key.algorithm, kid: key.id })
      .setIssuer(options.issuer)
      .setSubject(options.uri())
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifetime)
      .sign(key.privateKey)
  }
}

function etagOf(jwt: string): string {
  return `"${createHash('sha256').update(jwt).digest('base64url').slice(0, 22)}"`
}
