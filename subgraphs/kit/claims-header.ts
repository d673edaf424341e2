/**
 * The contract between the gateway and the subgraphs: one header that carries the verified claims.
 *
 *   gateway-claims: <compact JWS>
 *   protected header   { alg, typ: "gateway-claims+jwt", kid? }
 *   payload            { aud: <subgraph>, iat, exp, claims: { ... } | null }
 *
 * `claims` is null for an anonymous caller, so a subgraph can distinguish "not logged in" from "this
 * request did not come through the gateway".
 */
import { createHmac, hkdfSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { CryptoKey, JWTVerifyGetKey } from 'jose'

export const claimsHeaderName = 'gateway-claims'
export const claimsHeaderType = 'gateway-claims+jwt'

/** The longest lifetime of a claims header, in seconds; each is written for one request. */
export const claimsHeaderLifetime = 60

/** How far the clocks of gateway and subgraph may differ, in seconds. */
const clockTolerance = 5

/** The minimum length of a key, in bytes (RFC 7518 section 3.2: as long as the hash output). */
const leastKeyLength = 32

/** The claims of a verified access token, reduced to the gateway's allow list. Never a raw payload. */
export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string }

/** What signs a claims header: a key shared with one subgraph, or the gateway's Ed25519 private key. */
export type ClaimsSigningKey =
  { algorithm: 'HS256'; key: Uint8Array } | { algorithm: 'EdDSA'; keyId: string; key: KeyObject }

/** What verifies a claims header: shared keys (two during a rotation), or the gateway's key set. */
export type ClaimsVerificationKeys = readonly Uint8Array[] | JWTVerifyGetKey | CryptoKey | KeyObject

export type ClaimsHeaderWriter = (claims: Claims | null, notAfter?: number) => string
export type ClaimsHeaderReader = (header: string | undefined) => Promise<Claims | null>

/** Thrown by a reader. The message is for the log of the subgraph; it never contains the header. */
export class ClaimsHeaderError extends Error {
  override name = 'ClaimsHeaderError'
  /** The claim of the header that was refused, such as `iat` when the clocks differ. */
  readonly claim: string | undefined

  constructor(message: string, claim?: string) {
    super(message)
    this.claim = claim
  }
}

/**
 * Returns the key that the gateway and one subgraph share (32 bytes).
 * Derived with HKDF-SHA256 (RFC 5869), so that the leaked key of one team is useless for other subgraphs.
 *
 * @param gatewaySecret the gateway's secret, at least 32 characters
 * @param subgraph the subgraph's name in supergraph.yaml
 */
export function deriveClaimsKey(gatewaySecret: string, subgraph: string): Uint8Array {
  if (Buffer.byteLength(gatewaySecret) < leastKeyLength) {
    throw new ClaimsHeaderError(`the gateway secret is shorter than ${leastKeyLength} bytes`)
  }
  const purpose = `portcullis claims header: ${subgraph}`
  return new Uint8Array(hkdfSync('sha256', gatewaySecret, '', purpose, leastKeyLength))
}

/**
 * Returns a function that writes the header for one subgraph.
 *
 * `notAfter` (seconds since the epoch) is the expiry of the access token: the header never outlives it.
 *
 * @param subgraph the audience: the subgraph's name in supergraph.yaml
 * @param now the clock, in milliseconds since the epoch
 */
export function claimsHeaderWriter(
  subgraph: string,
  signingKey: ClaimsSigningKey,
  now: () => number = Date.now,
): ClaimsHeaderWriter {
  const protectedHeader = base64url({
    alg: signingKey.algorithm,
    typ: claimsHeaderType,
    ...(signingKey.algorithm === 'EdDSA' ? { kid: signingKey.keyId } : {}),
  })
  const signature = signer(signingKey)

  return (claims, notAfter = Infinity) => {
    const issuedAt = Math.floor(now() / 1000)
    const expiresAt = Math.min(issuedAt + claimsHeaderLifetime, Math.floor(notAfter))
    const payload = base64url({ aud: subgraph, iat: issuedAt, exp: expiresAt, claims })
    const signingInput = `${protectedHeader}.${payload}`
    return `${signingInput}.${signature(signingInput)}`
  }
}

/**
 * Returns a function that verifies a header and returns the claims, or null for an anonymous caller.
 * It throws a ClaimsHeaderError for every header that this gateway did not write for this subgraph now.
 *
 * @param subgraph its own name in supergraph.yaml; a header for another subgraph is refused
 * @param keys the shared keys, newest first, or the gateway's public key set
 */
export function claimsHeaderReader(
  subgraph: string,
  keys: ClaimsVerificationKeys,
  now: () => number = Date.now,
): ClaimsHeaderReader {
  const verify = verifier(subgraph, keys, now)

  return async (header) => {
    if (!header) throw new ClaimsHeaderError(`no ${claimsHeaderName} header: not from the gateway`)
    const payload = await verify(header)
    const { claims } = payload
    if (claims === null) return null
    if (!isClaims(claims)) throw new ClaimsHeaderError('the header holds no claims')
    return Object.freeze(Object.assign(Object.create(null), claims))
  }
}

function signer(signingKey: ClaimsSigningKey): (signingInput: string) => string {
  if (signingKey.algorithm === 'EdDSA') {
    return (input) => sign(null, Buffer.from(input), signingKey.key).toString('base64url')
  }
  refuseShortKey(signingKey.key)
  return (input) => createHmac('sha256', signingKey.key).update(input).digest('base64url')
}

function verifier(subgraph: string, keys: ClaimsVerificationKeys, now: () => number) {
  const shared = Array.isArray(keys)
  const candidates = shared ? (keys as readonly Uint8Array[]) : [keys]
  if (candidates.length === 0) throw new ClaimsHeaderError('no key to verify claims headers with')
  if (shared) candidates.forEach((key) => refuseShortKey(key as Uint8Array))

  return async (header: string) => {
    let refusal: unknown
    for (const key of candidates) {
      try {
        refuseUnknownHeader(header)
        const { payload } = await jwtVerify(header, key as JWTVerifyGetKey, {
          algorithms: shared ? ['HS256'] : ['EdDSA'],
          typ: claimsHeaderType,
          audience: subgraph,
          maxTokenAge: claimsHeaderLifetime,
          clockTolerance,
          currentDate: new Date(now()),
          requiredClaims: ['exp', 'claims'],
        })
        return payload
      } catch (cause) {
        refusal = cause
      }
    }
    const sentence = `the ${claimsHeaderName} header is not valid: ${reason(refusal)}`
    throw new ClaimsHeaderError(sentence, claimOf(refusal))
  }
}

/** Only the parameters of the writer: no `jwk`, `jku` or `crit` ever decides how a header is verified. */
function refuseUnknownHeader(header: string): void {
  const unknown = Object.keys(decodeProtectedHeader(header)).find(
    (name) => !['alg', 'typ', 'kid'].includes(name),
  )
  if (unknown) throw new ClaimsHeaderError(`unexpected header parameter ${JSON.stringify(unknown)}`)
}

function refuseShortKey(key: Uint8Array): void {
  if (key.byteLength >= leastKeyLength) return
  throw new ClaimsHeaderError(`a claims key has at least ${leastKeyLength} bytes`)
}

function isClaims(value: unknown): value is Claims {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const { sub } = value as { sub?: unknown }
  return typeof sub === 'string' && sub !== ''
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function claimOf(cause: unknown): string | undefined {
  const isOfClaim =
    cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired
  return isOfClaim ? cause.claim : undefined
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : 'unknown reason'
}
