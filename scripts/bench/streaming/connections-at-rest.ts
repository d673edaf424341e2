import { setTimeout as delay } from 'node:timers/promises'
import type { Transport } from './clients.ts'
import { possible, withListeners } from './compared-gateways.ts'
import type { Callers, Sharing, StreamingBench } from './compared-gateways.ts'

/** What one of many connections costs a gateway while nothing happens. */
export interface ConnectionAtRest {
  readonly transport: Transport
  readonly sharing: Sharing
  readonly callers: Callers
  readonly connections: number
  /** Resident bytes. */
  readonly memory: number
  /** Microseconds of CPU time per second. */
  readonly cpu: number
}

const cases: readonly Pick<ConnectionAtRest, 'transport' | 'sharing' | 'callers'>[] = [
  { transport: 'idle WebSocket', sharing: 'shared', callers: 'equal' },
  { transport: 'idle WebSocket', sharing: 'shared', callers: 'different' },
  { transport: 'WebSocket', sharing: 'shared', callers: 'equal' },
  { transport: 'event stream', sharing: 'shared', callers: 'equal' },
  { transport: 'WebSocket', sharing: 'alone', callers: 'equal' },
  { transport: 'event stream', sharing: 'alone', callers: 'equal' },
]

/** Connections that are open before: what the first ones need is no cost of each. */
const first = 100

/** For how long they are watched, in milliseconds. */
const restTime = 4_000

/** Measures each kind of connection, one after the other. */
export async function* connectionsAtRest(
  bench: StreamingBench,
  most: number,
): AsyncGenerator<ConnectionAtRest> {
  for (const one of cases) {
    const { transport, sharing, callers } = one
    const connections = possible(most, sharing === 'shared' ? 'one' : 'each')
    yield await withListeners(bench, sharing, callers, async (gateway, listeners) => {
      await listeners.grow(Math.min(first, connections), transport)
      await gateway.settle()
      const before = gateway.usage()
      await listeners.grow(connections, transport)
      await gateway.settle()
      const opened = gateway.usage()
      await delay(restTime)
      const cpu = (gateway.usage().cpu - opened.cpu) / connections / (restTime / 1_000)
      const memory = (opened.memory - before.memory) / Math.max(1, connections - first)
      return { ...one, connections, memory, cpu }
    })
  }
}
