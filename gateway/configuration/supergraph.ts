/** `supergraph:` of gateway.yaml: who must have signed the supergraph, and how it is fetched. */
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { JWK } from 'jose'
import { z } from 'zod'
import { duration, flag, section, size, text } from './values.ts'

const keySchema = z
  .record(z.string(), z.unknown())
  .superRefine((key, context) => {
    const fault = faultOfKey(key)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
  .transform((key) => key as JWK)

/** What decides the request itself: the gateway sets it. */
const ownHeaders =
  /^(host|connection|content-length|transfer-encoding|if-none-match|accept-encoding)$/i

const headersSchema = z.record(
  z
    .string()
    .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'is not the name of a header')
    .refine((name) => !ownHeaders.test(name), { message: 'is a header that the gateway sets' }),
  z.string().regex(/^[\t\x20-\x7e]*$/, 'expected printable ASCII'),
)

/** Who must have signed a document, and how it is fetched from a URL. */
export const sourceKeys = {
  keys: z
    .array(keySchema)
    .min(1, 'expected at least one key')
    .max(20, 'expected at most 20 keys')
    .optional()
    .describe(
      'Public keys (JWK): only what is signed with one of them is used; left out: signatures are not verified',
    ),
  keys_file: text().optional().describe('A file with the keys, as a JWK Set'),
  poll: duration({ least: '1s', most: '24h' })
    .default(10_000)
    .describe('How often a URL is requested'),
  timeout: duration({ least: '100ms', most: '10m' })
    .default(10_000)
    .describe('The longest time of such a request, until the last byte'),
  response_limit: size({ least: '1KB', most: '256MB' })
    .default(64 * 1024 * 1024)
    .describe('The largest response, after decompression'),
  headers: headersSchema
    .default({})
    .describe('Headers of such a request, for example a key of the source; never logged'),
  allow_http: flag()
    .default(false)
    .describe('true: an http URL of another machine is accepted; for trusted networks only'),
}

/** A rule about both keys. */
export const keysFromOnePlace = [
  ({ keys, keysFile }: { keys?: unknown; keysFile?: unknown }) =>
    keys === undefined || keysFile === undefined,
  { message: 'has keys and keys_file: keys come from one place' },
] as const

export const supergraphSchema = section(sourceKeys).refine(...keysFromOnePlace)

/** The section as the code uses it; keys of a file are among `keys` once they are read. */
export type SupergraphSettings = z.output<typeof supergraphSchema>

/** Reads the keys of the file that the settings at a path name, if they name one. */
export function readKeysFile(
  settings: Pick<SupergraphSettings, 'keys' | 'keysFile'>,
  path: readonly PropertyKey[],
  directory: string,
  problem: (path: readonly PropertyKey[], message: string) => void,
): void {
  if (settings.keysFile === undefined) return
  try {
    settings.keys = keysInFile(resolve(directory, settings.keysFile))
  } catch (cause) {
    problem([...path, 'keys_file'], `cannot be used: ${(cause as Error).message}`)
  }
}

/** Returns the public keys in that file, a JWK Set; the message of an error says what is wrong. */
export function keysInFile(path: string): JWK[] {
  const keys = readJwkSet(path).keys
  if (!Array.isArray(keys) || keys.length === 0) throw new Error('it is not a JWK Set with keys')
  const [fault] = keys.flatMap((key) => faultOfKey(key) ?? [])
  if (fault !== undefined) throw new Error(`a key ${fault}`)
  return keys as JWK[]
}

function readJwkSet(path: string): { keys?: unknown } {
  try {
    return (JSON.parse(readFileSync(path, 'utf8')) as { keys?: unknown } | null) ?? {}
  } catch (cause) {
    // The message of JSON.parse quotes the text.
    const reason = cause instanceof SyntaxError ? 'not JSON' : (cause as NodeJS.ErrnoException).code
    throw new Error(reason, { cause })
  }
}

/** Returns why supergraphs cannot be verified with that key, or undefined. */
function faultOfKey(key: unknown): string | undefined {
  if (typeof key !== 'object' || key === null) return 'is not a JWK'
  const { kty, crv, kid, use, alg } = key as Record<string, unknown>
  const isEd25519 = kty === 'OKP' && crv === 'Ed25519'
  if (!isEd25519 && !(kty === 'EC' && crv === 'P-256')) {
    return 'is for neither EdDSA (Ed25519) nor ES256 (P-256)'
  }
  const algorithms = isEd25519 ? ['EdDSA', 'Ed25519'] : ['ES256']
  if (alg !== undefined && !algorithms.includes(alg as string)) {
    return `has an alg that does not fit: expected ${algorithms[0]}`
  }
  if ('d' in key) return 'is a private key: give the public one, without d'
  if (kid !== undefined && (typeof kid !== 'string' || kid === ''))
    return 'has a kid that is no text'
  if (use !== undefined && use !== 'sig') return 'is not for signatures'
  try {
    createPublicKey({ key: key as { kty: string }, format: 'jwk' })
    return undefined
  } catch {
    return 'is not a valid key'
  }
}
