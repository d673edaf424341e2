import { readFile } from 'node:fs/promises'
import type { KnownOperation } from '../../gateway/operations/known-operations.ts'
import { ManifestInvalid, readManifest } from '../../gateway/operations/read-manifest.ts'
import { runToCompletion } from '../../gateway/slices.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { displayPath } from '../compose/problem.ts'

/** An operation, and the manifest that it is of. */
export interface ManifestOperation extends KnownOperation {
  readonly manifest: string
}

/** Returns the operations of the manifests in these files; a manifest that a gateway would refuse is a StartFailure. */
export async function readManifests(paths: readonly string[]): Promise<ManifestOperation[]> {
  const read = await Promise.all(paths.map(readOne))
  return read.flat()
}

async function readOne(path: string): Promise<ManifestOperation[]> {
  const manifest = displayPath(path)
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new StartFailure(`the manifest ${manifest} cannot be read (${cause.code})`, { cause })
  })
  try {
    return runToCompletion(readManifest(bytes)).map((operation) => ({ ...operation, manifest }))
  } catch (cause) {
    if (!(cause instanceof ManifestInvalid)) throw cause
    throw new StartFailure(`the manifest ${manifest} ${cause.message}`, { cause })
  }
}
