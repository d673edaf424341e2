import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm } from 'node:fs/promises'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'

/**
 * Puts the text under that name all at once: who reads the file meanwhile gets the old text or the
 * new one, also after a power cut. A link stays a link. What keeps it from that is a StartFailure.
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
        'mend the permissions of its folder, or name another file with --output',
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
