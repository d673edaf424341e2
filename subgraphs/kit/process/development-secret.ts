import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, linkSync, openSync } from 'node:fs'
import { readFileSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from './make-folder.ts'
import { StartFailure } from './start-failure.ts'

/**
 * Returns the development secret of a name (32 random bytes as base64url), and creates it at first
 * use. The file has mode 0600. Processes that start together agree on one secret: the file appears
 * under its name complete or not at all.
 */
export function developmentSecret(dataDirectory: string, name: string): string {
  const directory = join(dataDirectory, 'secrets')
  const path = join(directory, name)
  try {
    return readIfThere(path) ?? create(directory, path)
  } catch (cause) {
    throw new StartFailure(
      `the development secret ${path} cannot be read or made (${(cause as Error).message}): ` +
        'correct that, or choose another folder with DATA_DIR',
      { cause },
    )
  }
}

function create(directory: string, path: string): string {
  makeFolder(directory)
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, randomBytes(32).toString('base64url') + '\n')
    fsyncSync(file)
    publish(draft, path)
  } finally {
    closeSync(file)
    unlinkSync(draft)
  }
  return readFileSync(path, 'utf8').trim()
}

/** link(2) is atomic and never replaces: the first process wins, the others read what it wrote. */
function publish(draft: string, path: string): void {
  try {
    linkSync(draft, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}
