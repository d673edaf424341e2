import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm } from 'node:fs/promises'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/**
 * Writes a file atomically: a concurrent reader gets the old text or the new one, also after a power
 * failure. A symbolic link stays a link. Throws a StartFailure if the file cannot be written.
 */
export async function writeFileAtomically(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path)
  const draft = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`
  try {
    await writeDurably(draft, text)
    await rename(draft, target)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => {})
    throw new StartFailure(
      `${path} cannot be written (${(cause as NodeJS.ErrnoException).code}): ` +
        'correct the permissions of its folder, or name another file with --output',
      { cause },
    )
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}
