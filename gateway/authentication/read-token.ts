/**
 * Reads an access token without trusting it, and refuses all that can be refused without cryptography.
 *
 * JOSE libraries accept several spellings of one token (padding, white space, trailing bits). Here a
 * token has exactly one.
 */
import { isObject } from '../values/json.ts'
import { TokenRefused } from './token-refused.ts'
import { JsonTooDeep, parseJson } from './parse-json.ts'

export interface UnverifiedToken {
  readonly text: string
  /** An opaque token says nothing of itself: only its issuer knows what it is good for. */
  readonly form: 'JWT' | 'opaque'
  readonly algorithm: string
  /** Undefined when the token names no key. */
  readonly keyId: string | undefined
  /** The media type as written; undefined when the token does not say. */
  readonly type: string | undefined
  /** Not verified: good only for choosing the issuer, and for the log. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** The largest access token, in bytes. */
const maxTokenSize = 8 * 1024

const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)$/

/**
 * Parameters that would change how the token is read, or bring their own key (RFC 8725 sections 3.9 and
 * 3.10). Any other that is not understood is ignored (RFC 7515 section 4): `crit`, which would forbid
 * that, is refused itself.
 */
const refusedParameters = ['crit', 'jku', 'jwk', 'x5u', 'x5c', 'zip', 'b64']

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Returns the parts of the token; throws a TokenRefused for any unusual form. */
export function readToken(text: string, maxSize = maxTokenSize): UnverifiedToken {
  if (text.length > maxSize) throw new TokenRefused('TOKEN_TOO_LARGE')
  const [, header, payload, signature] = compactForm.exec(text) ?? []
  if (header === undefined || payload === undefined || signature === undefined) {
    throw malformed('not three parts in base64url')
  }
  const parameters = readObject(header, 'header')
  refuseParameters(parameters)
  const { alg, kid, typ } = parameters
  if (typeof alg !== 'string') throw malformed('the header names no algorithm')
  if (alg.toLowerCase() === 'none') {
    throw new TokenRefused('ALGORITHM_REFUSED', 'the token is not signed')
  }
  if (typ !== undefined && typeof typ !== 'string') throw malformed('`typ` is not a string')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) {
    throw new TokenRefused('KEY_UNKNOWN', '`kid` is not the name of a key')
  }
  if (signature === '' || !isCanonical(signature)) throw malformed('the signature is not canonical')
  const claims = readObject(payload, 'payload')
  return { text, form: 'JWT', algorithm: alg, keyId: kid, type: typ, payload: claims }
}

function readObject(encoded: string, part: string): Record<string, unknown> {
  if (!isCanonical(encoded)) throw malformed(`the ${part} is not canonical base64url`)
  let text: string
  let value: unknown
  try {
    text = strictUtf8.decode(Buffer.from(encoded, 'base64url'))
    value = parseJson(text)
  } catch (cause) {
    throw malformed(
      `the ${part} is ${cause instanceof JsonTooDeep ? cause.message : 'not JSON in UTF-8'}`,
    )
  }
  if (!isObject(value)) throw malformed(`the ${part} is not a JSON object`)
  if (text.length <= maxTokenSize && hasNameTwice(text)) {
    throw malformed(`the ${part} has a name twice`)
  }
  return value
}

const stringInJson = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g

/**
 * Of two members with one name some readers take the first, others the last (RFC 8725 section 2.4).
 */
function hasNameTwice(json: string): boolean {
  let written = 0
  for (const [, colon] of json.matchAll(stringInJson)) if (colon) written++
  let read = -1 // The reviver gets the complete value as a member, too.
  JSON.parse(json, function (this: unknown, _name, value: unknown) {
    if (!Array.isArray(this)) read++
    return value
  })
  return read !== written
}

/** RFC 4648 section 3.5: bits that pad the last character are zero. */
function isCanonical(encoded: string): boolean {
  return Buffer.from(encoded, 'base64url').toString('base64url') === encoded
}

function refuseParameters(parameters: Record<string, unknown>): void {
  const refused = refusedParameters.find((name) => Object.hasOwn(parameters, name))
  if (refused === undefined) return
  throw new TokenRefused('HEADER_PARAMETER_REFUSED', `parameter \`${refused}\``)
}

function malformed(why: string): TokenRefused {
  return new TokenRefused('TOKEN_MALFORMED', why)
}
