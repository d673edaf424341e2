import { statSync } from 'node:fs'

/** How often the files are checked, in milliseconds. */
const interval = 150

/** How long all files must be unchanged before a change is reported, in milliseconds. */
const settleTime = 250

/**
 * Calls `onChange` after any of the files was written, replaced, created or removed, once none changes
 * any more. Returns the function that stops watching. The files are polled by name: that is cheap for the
 * few files of a supergraph, and editors that replace a file, missing folders and network drives need no
 * special case. Changes from the moment of the call are noticed, although fs.watchFile polls first later.
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
