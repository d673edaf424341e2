/** Frees memory at once, which otherwise waits for a collection of garbage. */
import { MessageChannel } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'

/** A message to a closed port is taken apart and dropped, with the memory that it transfers. */
const closed = closedPort()

/**
 * Frees the memory. Whoever still has a view of it sees no bytes any more. Memory that cannot be transferred stays: that
 * of the pool of Node.js, where others have bytes as well (`Buffer.poolSize`: 8 KB, in newer versions 64 KB).
 */
export function freeMemory(memory: ArrayBuffer): void {
  try {
    closed.postMessage(undefined, [memory])
  } catch {
    // Node.js 20 leaves it out of the transfer without an error.
  }
}

function closedPort(): MessagePort {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}
