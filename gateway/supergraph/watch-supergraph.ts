import { watch } from 'chokidar'
import { basename, dirname, resolve } from 'node:path'

/** How long a file has to lie still before it is read, in milliseconds. */
const settleTime = 100

/**
 * Calls back after the file has been written or replaced. The folder is watched, since a tool that
 * writes atomically puts a new file under the old name. Returns the function that ends it.
 */
export async function watchSupergraph(
  path: string,
  onChange: () => void,
): Promise<() => Promise<void>> {
  const file = resolve(path)
  const watcher = watch(dirname(file), {
    depth: 0,
    ignoreInitial: true,
    ignored: (candidate) => candidate !== dirname(file) && basename(candidate) !== basename(file),
    awaitWriteFinish: { stabilityThreshold: settleTime, pollInterval: settleTime / 4 },
  })
  watcher.on('add', onChange).on('change', onChange)
  await new Promise<void>((ready) => watcher.once('ready', () => ready()))
  return () => watcher.close()
}
