import { unwatchFile, watchFile } from 'node:fs'

/** How often a file is looked at, in milliseconds. */
const interval = 150

/** How long all files have to lie still before a change counts, in milliseconds. */
const settleTime = 250

/**
 * Calls back after any of the files was written, replaced, made or removed, once all lie still.
 * They are looked at by name: the few files of a supergraph cost nothing, and editors that put a new
 * file under the old name, missing folders and network drives need no special case.
 * Returns the function that ends it.
 */
export function watchFiles(files: readonly string[], onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined
  const changed = () => {
    clearTimeout(settling)
    settling = setTimeout(onChange, settleTime)
  }
  const watched = new Set(files)
  for (const file of watched) watchFile(file, { interval }, changed)
  return () => {
    clearTimeout(settling)
    for (const file of watched) unwatchFile(file, changed)
  }
}
