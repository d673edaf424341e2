/** Signs supergraphs: a detached JWS (RFC 7515 appendix F) beside the file. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { calculateJwkThumbprint, CompactSign } from 'jose'
import type { JWK } from 'jose'
import { keysInFile } from '../../gateway/configuration/supergraph.ts'
import { signedSupergraph, verifySignature } from '../../gateway/supergraph/verify-signature.ts'
import type { SignedKind, VerifiedSignature } from '../../gateway/supergraph/verify-signature.ts'
import { productCommand } from '../../subgraphs/kit/process/product-command.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

export interface SupergraphSigner {
  readonly publicKey: JWK
  /** Returns a signature of the text, with a serial that is larger than that of the last signature. */
  sign(text: string, lastSerial?: number, kind?: SignedKind): Promise<SignedText>
}

export interface SignedText {
  /** The detached JWS. */
  readonly signature: string
  readonly keyId: string
  readonly serial: number
}

/** The signature of a supergraph is in a file beside it. */
export function signatureFile(supergraph: string): string {
  return `${supergraph}.jws`
}

/** Returns what signs with the private key in that file, a JWK or PEM; a bad one is a StartFailure. */
export async function readSigner(path: string): Promise<SupergraphSigner> {
  const content = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new StartFailure(`the signing key ${path} cannot be read (${cause.code})`, { cause })
  })
  const { key, givenId } = privateKeyIn(content, path)
  const algorithm = algorithmOf(key)
  if (algorithm === undefined) {
    throw new StartFailure(
      `the signing key ${path} is for neither EdDSA (Ed25519) nor ES256 (P-256): ` +
        `make one with \`${productCommand('keys', 'supergraph-key FILE')}\``,
    )
  }
  const publicKey = await publicKeyOf(key, algorithm, givenId)
  const keyId = publicKey.kid!
  return {
    publicKey,
    async sign(text, lastSerial = 0, kind = signedSupergraph) {
      // The time, so that no state has to be kept; larger than the last one also if a clock goes back.
      const now = Date.now()
      const serial = Math.max(now, lastSerial + 1)
      const jws = await new CompactSign(Buffer.from(text))
        .setProtectedHeader({
          alg: algorithm,
          typ: kind.type,
          kid: keyId,
          iat: Math.floor(now / 1000),
          serial,
        })
        .sign(key)
      const [head, , tail] = jws.split('.')
      return { signature: `${head}..${tail}\n`, keyId, serial }
    },
  }
}

/** Returns the public keys of `--keys`, a JWK Set; a bad file is a StartFailure. */
export function readVerificationKeys(path: string): readonly JWK[] {
  try {
    return keysInFile(path)
  } catch (cause) {
    throw new StartFailure(`the keys ${path} cannot be used: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** Returns whether the signature beside the supergraph is one of these keys over this text. */
export async function verifySignatureFile(
  supergraph: string,
  text: string,
  keys: readonly JWK[],
): Promise<VerifiedSignature> {
  const signature = await readFile(signatureFile(supergraph), 'utf8').catch(() => undefined)
  return verifySignature({ text, signature }, keys)
}

/** Writes a new private key to a file that must not be there yet; returns the public key. */
export async function createSigningKey(path: string): Promise<JWK> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const publicKey = await publicKeyOf(privateKey, 'EdDSA')
  const jwk = { ...privateKey.export({ format: 'jwk' }), ...publicKey }
  await writeFile(path, `${JSON.stringify(jwk)}\n`, { flag: 'wx', mode: 0o600 }).catch(
    (cause: NodeJS.ErrnoException) => {
      const reason =
        cause.code === 'EEXIST'
          ? 'is there already: name another file'
          : `cannot be written (${cause.code})`
      throw new StartFailure(`${path} ${reason}`, { cause })
    },
  )
  return publicKey
}

function privateKeyIn(content: string, path: string): { key: KeyObject; givenId?: string } {
  try {
    if (!content.trimStart().startsWith('{')) return { key: createPrivateKey(content) }
    const jwk = JSON.parse(content) as JWK & { kty: string }
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    return typeof jwk.kid === 'string' ? { key, givenId: jwk.kid } : { key }
  } catch {
    // The reason may quote the key.
    throw new StartFailure(
      `${path} holds no private key: expected a JWK, or PEM without a passphrase`,
    )
  }
}

function algorithmOf(key: KeyObject): 'EdDSA' | 'ES256' | undefined {
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA'
  const curve = key.asymmetricKeyDetails?.namedCurve
  return key.asymmetricKeyType === 'ec' && curve === 'prime256v1' ? 'ES256' : undefined
}

async function publicKeyOf(key: KeyObject, alg: string, givenId?: string): Promise<JWK> {
  const jwk = createPublicKey(key).export({ format: 'jwk' }) as JWK
  const kid = givenId ?? (await calculateJwkThumbprint(jwk))
  return { ...jwk, kid, alg, use: 'sig' }
}
