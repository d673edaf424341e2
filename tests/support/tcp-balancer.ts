/** A small balancer of TCP connections: in turn over the backends whose /ready says 200. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** How often it asks a backend whether it is ready, in milliseconds. */
const checkPeriod = 100

export interface TcpBalancer {
  readonly origin: string
  /** The origins of the backends; they may be added and removed at any time. */
  readonly backends: Set<string>
  /** The backends that get new connections. */
  healthy(): readonly string[]
  close(): Promise<void>
}

export async function startTcpBalancer(): Promise<TcpBalancer> {
  const backends = new Set<string>()
  let healthy: string[] = []
  let turn = 0
  const sockets = new Set<Socket>()

  const server = createServer((client) => void forward(client))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const checking = setInterval(() => void check(), checkPeriod)

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    backends,
    healthy: () => healthy,
    async close() {
      clearInterval(checking)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }

  async function check(): Promise<void> {
    const ready = await Promise.all(
      [...backends].map(async (origin) => {
        const response = await fetch(`${origin}/ready`, {
          headers: { connection: 'close' },
          signal: AbortSignal.timeout(5_000),
        }).catch(() => undefined)
        await response?.text()
        return response?.ok ? [origin] : []
      }),
    )
    healthy = ready.flat()
  }

  /** Tries one backend only, as Kubernetes does: a connection that is refused there is lost. */
  async function forward(client: Socket): Promise<void> {
    keep(client)
    const origin = healthy[turn++ % healthy.length]
    if (origin === undefined) return void client.destroy()
    const backend = connect(Number(new URL(origin).port), '127.0.0.1')
    const isConnected = await once(backend, 'connect').then(
      () => true,
      () => false,
    )
    if (!isConnected) return void client.destroy()
    keep(backend)
    client.pipe(backend).pipe(client)
    client.once('close', () => backend.destroy())
    backend.once('close', () => client.end())
  }

  function keep(socket: Socket): void {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  }
}
