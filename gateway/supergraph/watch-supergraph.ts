import { unwatchFile, watchFile } from 'node:fs'
import type { Stats } from 'node:fs'
import { resolve } from 'node:path'

/** How often the file is looked at, in milliseconds. */
const interval = 100

/** How long it must not have changed before it is read, in milliseconds. */
const settleTime = 150

/** How long it may go on changing before it is read all the same, in milliseconds. */
const longestSettling = 2_000

/**
 * Calls back after the file has been written, replaced or made again, once it no longer changes or has
 * changed for 2 seconds. It is looked at by name, through symbolic links: a file renamed into its place, a
 * folder that was removed and made again, the swapped links of a Kubernetes volume and network drives need
 * no special case, and one file costs nothing. Returns the function that ends it.
 */
export function watchSupergraph(path: string, onChange: () => void): () => void {
  const file = resolve(path)
  let settling: NodeJS.Timeout | undefined
  let readBy: number | undefined
  const changed = (now: Stats) => {
    clearTimeout(settling)
    // Where nothing is, there is nothing to read: it is served as it was last.
    if (now.nlink === 0) return
    readBy ??= Date.now() + longestSettling
    settling = setTimeout(settled, Math.min(settleTime, readBy - Date.now()))
  }
  const settled = () => {
    readBy = undefined
    onChange()
  }
  watchFile(file, { interval }, changed)
  return () => {
    clearTimeout(settling)
    unwatchFile(file, changed)
  }
}
