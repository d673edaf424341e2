/** Files in which a gateway keeps something for its next start. */
import { createHash, randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { makeFolder } from '../../subgraphs/kit/process/make-folder.ts'
import { displayUrl, isUrl } from './remote-supergraph.ts'

/**
 * Returns the path of a file that belongs to the supergraph at that place.
 * @param location the value of `--supergraph`
 */
export function keptFile(directory: string, kind: string, location: string): string {
  return join(directory, `${kind}-${nameOf(location)}.json`)
}

/** The query of a URL does not count: it may change with every start. */
function nameOf(location: string): string {
  const id = isUrl(location) ? displayUrl(location) : resolve(location)
  return createHash('sha256').update(id).digest('hex').slice(0, 16)
}

/** Replaces a file, which only its owner may read, and makes its folder. It has the old or the new text at any time. */
export async function writeAtomically(path: string, text: string): Promise<void> {
  makeFolder(dirname(path))
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    throw cause
  }
}
