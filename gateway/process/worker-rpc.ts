/**
 * Worker RPC: remote procedure calls between two processes at the ends of a channel. Each end calls the
 * procedures of the other.
 */
export interface Channel {
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Calls the listener when the other end is gone. */
  onClosed(listener: () => void): void
}

/** The procedures of one end, by name. */
export type Procedures = Readonly<Record<string, (argument: never) => unknown>>

/** Calls a procedure of the other end; rejects when it fails, or when the channel closes before. */
export type Call<Theirs extends Procedures> = <Name extends keyof Theirs & string>(
  name: Name,
  ...argument: Parameters<Theirs[Name]>
) => Promise<Awaited<ReturnType<Theirs[Name]>>>

/** A call has no response because the other end is gone. */
export class ChannelClosed extends Error {
  override name = 'ChannelClosed'

  constructor() {
    super('the other process has ended')
  }
}

interface Request {
  readonly request: number
  readonly name: string
  readonly argument: unknown
}
type Response =
  | { readonly response: number; readonly value: unknown }
  | { readonly response: number; readonly failure: string }

/** Returns the function that calls the other end, and responds to its calls with our procedures. */
export function openRpc<Theirs extends Procedures>(
  channel: Channel,
  procedures: Procedures,
): Call<Theirs> {
  const pending = new Map<number, { resolve(value: unknown): void; reject(cause: Error): void }>()
  let closed = false
  let count = 0

  channel.onMessage((message) => {
    const received = (message ?? {}) as Partial<Request> & Partial<Response>
    if (received.request !== undefined) void respond(received as Request)
    else if (received.response !== undefined) settle(received as Response)
  })
  channel.onClosed(() => {
    closed = true
    for (const { reject } of pending.values()) reject(new ChannelClosed())
    pending.clear()
  })

  return (name, ...[argument]) => {
    if (closed) return Promise.reject(new ChannelClosed())
    const request = count++
    return new Promise((resolve, reject) => {
      pending.set(request, { resolve: resolve as (value: unknown) => void, reject })
      send({ request, name, argument })
    })
  }

  async function respond({ request, name, argument }: Request): Promise<void> {
    try {
      send({ response: request, value: await procedures[name]!(argument as never) })
    } catch (cause) {
      send({ response: request, failure: (cause as Error).message })
    }
  }

  function settle(response: Response): void {
    const { resolve, reject } = pending.get(response.response) ?? {}
    pending.delete(response.response)
    if ('failure' in response) reject?.(new Error(response.failure))
    else resolve?.(response.value)
  }

  function send(message: Request | Response): void {
    if (!closed) channel.send(message)
  }
}
