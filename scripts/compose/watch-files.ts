import { statSync } from 'node:fs'

/** How often the files are looked at, in milliseconds. */
const interval = 150

/** How long all files have to lie still before a change counts, in milliseconds. */
const settleTime = 250

/**
 * Calls back after any of the files was written, replaced, made or removed, once all lie still.
 * They are looked at by name: the few files of a supergraph cost nothing, and editors that put a new
 * file under the old name, missing folders and network drives need no special case. What changes from
 * the moment of the call on is seen: fs.watchFile looks for the first time some time later.
 * Returns the function that ends it.
 */
export function watchFiles(files: readonly string[], onChange: () => void): () => void {
  let settling: NodeJS.Timeout | undefined
  let known = stateOf(files)
  const look = () => {
    const now = stateOf(files)
    if (now === known) return
    known = now
    clearTimeout(settling)
    settling = setTimeout(onChange, settleTime)
  }
  const looking = setInterval(look, interval)
  return () => {
    clearTimeout(settling)
    clearInterval(looking)
  }
}

function stateOf(files: readonly string[]): string {
  return JSON.stringify(files.map(stateOfFile))
}

function stateOfFile(file: string) {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return [ino, size, mtimeMs, ctimeMs]
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code
  }
}
