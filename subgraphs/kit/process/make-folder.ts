import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Makes a folder, which only its owner may read, and those above it; does nothing if it is there. Throws as mkdirSync
 * does. With `recursive`, that would try for ever in /proc: no folder can be made there, and the reason is ENOENT.
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const parent = dirname(resolve(path))
  if (parent !== resolve(path)) makeFolder(parent)
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    // Another process may have made it meanwhile.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw cause
  }
}
