/** Connections on their way from the primary process to a worker. */
import type { Worker } from 'node:cluster'

/** A connection as Node's cluster module sends it. */
interface Connection {
  /** -1 once it is closed: here, because the worker has it. */
  readonly fd: number
  close(): void
}

/**
 * Closes the connections that were on their way to a worker when it ended. Node keeps them open and
 * forgets them: their clients would wait for ever instead of trying again.
 */
export function closeHandedConnections(worker: Worker): void {
  const child = worker.process
  const send = child.send.bind(child) as (...words: unknown[]) => boolean
  let onTheirWay: Connection[] = []

  child.send = (message: unknown, handle?: unknown, ...more: unknown[]) => {
    if (isConnection(handle)) onTheirWay = [...onTheirWay.filter(isOpen), handle]
    return send(message, handle, ...more)
  }
  worker.once('exit', () => {
    // The last messages of the worker may still have to be read.
    if (child.connected) worker.once('disconnect', closeAll)
    else closeAll()
  })

  function closeAll(): void {
    for (const connection of onTheirWay.filter(isOpen)) connection.close()
    onTheirWay = []
  }
}

function isConnection(handle: unknown): handle is Connection {
  return typeof handle === 'object' && handle !== null && 'fd' in handle && 'close' in handle
}

function isOpen({ fd }: Connection): boolean {
  return fd !== -1
}
