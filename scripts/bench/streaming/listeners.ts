/** The clients and the subgraphs of a gateway, as the benchmark directs them. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../gateway/contender-process.ts'
import type { ClientsCommand, Transport } from './clients.ts'

export interface EventSource {
  readonly origin: string
  /** Sends an event to all streams; returns how many there are. */
  emit(event: number): Promise<number>
  stop(): void
}

export interface Listeners {
  /** Opens more connections, until there are that many. */
  grow(to: number, transport: Transport): Promise<void>
  /** Sends an event, and waits until all have it; returns how many streams the subgraph has. */
  deliver(): Promise<number>
  stop(): void
}

const compiledPath = (file: string) => fileURLToPath(new URL(file, import.meta.url))

/** In milliseconds. */
const longestDelivery = 60_000

/** Returns the running subgraphs. */
export async function startEventSource(): Promise<EventSource> {
  const child = fork(compiledPath('subgraphs.js'))
  const { listening } = await messageOf<{ listening: string }>(child)
  return {
    origin: listening,
    async emit(event) {
      child.send({ event })
      return (await messageOf<{ streams: number }>(child)).streams
    },
    stop: () => child.disconnect(),
  }
}

/** Returns the clients of a gateway, none at first. @param tokens of which each gets one in turn */
export async function startListeners(
  url: string,
  tokens: readonly string[],
  source: EventSource,
): Promise<Listeners> {
  const child = fork(compiledPath('clients.js'), [], { execArgv: ['--max-old-space-size=4096'] })
  await messageOf(child)
  let connections = 0
  let event = 0
  const ask = async (command: ClientsCommand) => {
    child.send(command)
    return (await messageOf<{ count: number }>(child)).count
  }
  const deliver = async (atMost: number) => {
    event++
    const counted = ask({ await: event, count: connections, atMost })
    const streams = await source.emit(event)
    return { isComplete: (await counted) >= connections, streams }
  }

  return {
    async grow(to, transport) {
      const count = to - connections
      connections = await ask({ open: transport, count, url, tokens: [...tokens] })
      if (transport === 'idle WebSocket') return
      // A subscription that has just begun may miss an event.
      for (let atMost = 1_000; atMost < longestDelivery; atMost *= 2) {
        if ((await deliver(atMost)).isComplete) return
      }
      throw new Error(`not all of ${connections} get events`)
    },
    async deliver() {
      const { isComplete, streams } = await deliver(longestDelivery)
      if (!isComplete) throw new Error(`an event did not reach all of ${connections}`)
      return streams
    },
    stop: () => child.disconnect(),
  }
}
