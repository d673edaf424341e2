import { readFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { composeSupergraph } from './compose-supergraph.ts'
import type { Composer, Composition, Sources } from './compose-supergraph.ts'
import { displayPath } from './problem.ts'
import type { Problem } from './problem.ts'
import type { Report, Signature } from './report.ts'
import { signatureFile, verifySignatureFile } from './sign-supergraph.ts'
import type { SupergraphSigner } from './sign-supergraph.ts'
import type { Environment } from './supergraph-config.ts'
import { writeFileAtomically } from './write-file-atomically.ts'

export interface ComposeOptions {
  /** The path of supergraph.yaml. */
  config: string
  /** The path of the supergraph. */
  output: string
  /** The variables for `${env.NAME}` in supergraph.yaml. */
  environment: Environment
  /** Signs what is written. */
  signer?: SupergraphSigner | undefined
  /** The accepted public keys: one of them must have signed the compared file. */
  keys?: readonly JWK[] | undefined
  /** Default: composes in a worker thread. */
  compose?: Composer
}

export interface Composed {
  readonly report: Report
  readonly sources: Sources
}

/**
 * Composes, writes and signs the supergraph, unless the files are up to date. After an error, it writes
 * nothing.
 */
export async function composeToFile(options: ComposeOptions): Promise<Composed> {
  const composition = await composeSupergraph(options.config, options.environment, options.compose)
  return writeComposition(composition, options)
}

/**
 * Writes and signs the supergraph of a composition, unless the files are up to date. After an error, it
 * writes nothing.
 */
export async function writeComposition(
  composition: Composition,
  options: ComposeOptions,
): Promise<Composed> {
  if (composition.outcome === 'failed') return composed(composition, options, 'failed')
  const { output, signer } = options
  const { sdl } = composition
  const last = await readIfThere(output)
  const signature = signer && (await signed(output, sdl, last, signer))
  if (sdl !== last) await writeFileAtomically(output, sdl)
  return composed(composition, options, sdl === last ? 'unchanged' : 'composed', signature)
}

/** Writes the signature before the supergraph, so that a reader of the new supergraph finds it. */
async function signed(
  output: string,
  sdl: string,
  last: string | undefined,
  signer: SupergraphSigner,
): Promise<Signature> {
  const file = signatureFile(output)
  const before =
    last === undefined ? undefined : await verifySignatureFile(output, last, [signer.publicKey])
  const known = before?.outcome === 'verified' ? before : undefined
  if (known && sdl === last) return { file, key: known.keyId, serial: known.version.serial }
  const { signature, keyId, serial } = await signer.sign(sdl, known?.version.serial)
  await writeFileAtomically(file, signature)
  return { file, key: keyId, serial }
}

/** Composes and reports whether the file on disk is up to date. Writes nothing. */
export async function compareWithFile(options: ComposeOptions): Promise<Composed> {
  const composition = await composeSupergraph(options.config, options.environment, options.compose)
  if (composition.outcome === 'failed') return composed(composition, options, 'failed')
  const { output, keys } = options
  if (composition.sdl !== (await readIfThere(output))) {
    return composed(composition, options, 'not current')
  }
  if (keys === undefined) return composed(composition, options, 'current')
  const verified = await verifySignatureFile(output, composition.sdl, keys)
  if (verified.outcome === 'refused') {
    return composed(composition, options, 'not current', undefined, [
      {
        code: 'SIGNATURE_INVALID',
        message: `${displayPath(output)} ${verified.fault}`,
        places: [],
      },
    ])
  }
  const { keyId: key, version } = verified
  const signature = { file: signatureFile(output), key, serial: version.serial }
  return composed(composition, options, 'current', signature)
}

function composed(
  composition: Composition,
  { output }: ComposeOptions,
  outcome: Report['outcome'],
  signature?: Signature,
  faults: readonly Problem[] = [],
): Composed {
  const { subgraphs, files, introspected } = composition
  return {
    report: {
      outcome,
      output,
      subgraphs,
      hints: composition.outcome === 'composed' ? composition.hints : [],
      errors: composition.outcome === 'failed' ? composition.errors : faults,
      ...(signature ? { signature } : {}),
    },
    sources: { subgraphs, files, introspected },
  }
}

function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined)
}
