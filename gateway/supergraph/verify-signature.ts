/** Signed documents, such as supergraphs: a detached JWS (RFC 7515 appendix F) over the bytes of the text. */
import { createHash, KeyObject, verify } from 'node:crypto'
import type { webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK } from 'jose'
import type { JWK } from 'jose'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import type { SignedVersion, SupergraphCopy } from './supergraph-source.ts'

/** A kind of signed documents. */
export interface SignedKind {
  /** The `typ` of the signature, so that no document of another kind that the key has signed passes for one. */
  readonly type: string
  /** What one is called in messages. */
  readonly noun: string
  /** How one is signed: the sentence ends with it. */
  readonly signIt: string
  /** The setting with the accepted keys. */
  readonly keys: string
  /** The setting that says where it is, and the one that allows plain HTTP. */
  readonly place: string
  readonly allowHttp: string
}

export const signedSupergraph: SignedKind = {
  type: 'supergraph+jws',
  noun: 'supergraph',
  signIt: `sign it with \`${productCommand('compose', '--sign KEY')}\``,
  keys: 'supergraph.keys',
  place: '--supergraph',
  allowHttp: 'supergraph.allow_http: true',
}

export const signedManifest: SignedKind = {
  type: 'operations+jws',
  noun: 'manifest',
  signIt: `sign it with \`${productCommand('keys', 'sign-operations FILE --key KEY')}\``,
  keys: 'its keys in operations.manifests',
  place: 'operations.manifests',
  allowHttp: 'allow_http: true',
}

/** The algorithms of signatures. */
export const signatureAlgorithms = ['EdDSA', 'Ed25519', 'ES256'] as const

export type VerifiedSignature =
  | { readonly outcome: 'verified'; readonly version: SignedVersion; readonly keyId: string }
  /** What is wrong, and what to do; it follows the name of the supergraph. */
  | { readonly outcome: 'refused'; readonly fault: string }

/** Returns the signed version, or why the copy is not signed by one of the keys. */
export async function verifySignature(
  { text, signature }: SupergraphCopy,
  keys: readonly JWK[],
  { type, noun, signIt, keys: setting } = signedSupergraph,
): Promise<VerifiedSignature> {
  const mismatch = `does not match its signature, it is not the text that was signed: ${signIt}`
  if (signature === undefined) return refused(`has no signature beside it (.jws): ${signIt}`)
  const header = readHeader(signature)
  if (header === undefined) {
    return refused(`has a signature that is not a detached JWS: ${signIt}`)
  }
  const { kid, typ, serial } = header
  if (typ !== type || !Number.isSafeInteger(serial) || typeof kid !== 'string') {
    return refused(`has a signature for something else than a ${noun}: ${signIt}`)
  }
  const key = await keyOf(kid, keys)
  if (key === undefined) {
    const name = JSON.stringify(kid.slice(0, 100))
    return refused(
      `is signed with the key ${name}, which is not accepted: sign it with another one, ` +
        `or add its public key to ${setting}`,
    )
  }
  try {
    if (!(await isSigned(text, signature.trim(), header, key))) return refused(mismatch)
  } catch {
    // Where the algorithm does not fit the key: the import of the key then fails.
    return refused(mismatch)
  }
  const version = { serial: serial as number, digest: digestOf(text) }
  return { outcome: 'verified', version, keyId: kid }
}

/** Returns why that version must not follow the last one, or undefined. */
export function faultOfSuccession(
  { serial, digest }: SignedVersion,
  last: SignedVersion | undefined,
  advice = 'to go back to an earlier schema, compose and sign it again',
): string | undefined {
  if (last === undefined || serial > last.serial) return undefined
  if (serial === last.serial && digest === last.digest) return undefined
  return `is older than the one that served last (serial ${serial} after ${last.serial}): ${advice}`
}

/** Returns the SHA-256 digest of the text. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

/** With a callback, it runs in another thread: a large text takes a tenth of a second. */
const verifyInThread = promisify(verify)

/** Returns whether the key has signed the text (RFC 7515 section 5.2); rejects if the algorithm does not fit the key. */
async function isSigned(
  text: string,
  signature: string,
  { alg: algorithm, crit }: SignatureHeader,
  jwk: JWK,
): Promise<boolean> {
  // No extension is understood here (RFC 7515 section 4.1.11).
  if (!isAlgorithm(algorithm) || crit !== undefined) return false
  const key = KeyObject.from((await importJWK(jwk, algorithm)) as webcrypto.CryptoKey)
  const [head = '', tail = ''] = signature.split('..')
  const signed = Buffer.from(`${head}.${Buffer.from(text).toString('base64url')}`, 'latin1')
  const digest = algorithm === 'ES256' ? 'sha256' : null
  const encoded = { key, dsaEncoding: 'ieee-p1363' } as const
  return verifyInThread(digest, signed, encoded, Buffer.from(tail, 'base64url'))
}

interface SignatureHeader {
  readonly alg: string
  readonly kid?: unknown
  readonly typ?: unknown
  readonly serial?: unknown
  readonly crit?: unknown
}

function readHeader(signature: string): SignatureHeader | undefined {
  if (!/^[\w-]{1,4096}\.\.[\w-]{1,1024}$/.test(signature.trim())) return undefined
  try {
    const header = decodeProtectedHeader(signature.trim())
    return header.alg === undefined ? undefined : (header as SignatureHeader)
  } catch {
    return undefined
  }
}

function isAlgorithm(name: string): boolean {
  return (signatureAlgorithms as readonly string[]).includes(name)
}

/** Returns the key of that id; the id of a key without `kid` is its thumbprint (RFC 7638). */
async function keyOf(keyId: string, keys: readonly JWK[]): Promise<JWK | undefined> {
  for (const key of keys) {
    if ((key.kid ?? (await calculateJwkThumbprint(key))) === keyId) return key
  }
  return undefined
}

function refused(fault: string): VerifiedSignature {
  return { outcome: 'refused', fault }
}
