/** Composes in a worker thread: composition is synchronous, and takes seconds for a large graph. */
import { ownThread } from '../../subgraphs/kit/process/own-thread.ts'
import type { CompositionMessage, SubgraphToCompose } from './composition-messages.ts'

/** Returns the outcome of the composition; it rejects only on an unforeseen error. */
export function composeInThread(
  subgraphs: readonly SubgraphToCompose[],
): Promise<CompositionMessage> {
  return new Promise((resolve, reject) => {
    const workerData = subgraphs.map(({ name, url, sdl }) => ({ name, url, sdl }))
    const worker = ownThread('./composition-thread', import.meta.url, { workerData })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`the composition thread ended with ${code}`)))
  })
}
