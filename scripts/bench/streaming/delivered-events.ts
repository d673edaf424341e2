import { possible, withListeners } from './compared-gateways.ts'
import type { Callers, Sharing, StreamingBench } from './compared-gateways.ts'

/** What an event costs a gateway, for each of its listeners. */
export interface DeliveredEvent {
  readonly callers: Callers
  readonly sharing: Sharing
  /** How many listeners there should have been; as many as possible were there. */
  readonly asked: number
  readonly listeners: number
  /** Microseconds of CPU time for each listener. */
  readonly cpu: number
}

/** Events before the first measurement: afterwards the code is compiled. */
const warmUp = 500

/** How many events are measured together: few listeners need more. */
const eventsFor = (listeners: number) => Math.max(5, Math.min(300, Math.round(20_000 / listeners)))

/** Measures numbers of listeners that grow, with one gateway after the other. */
export async function* deliveredEvents(
  bench: StreamingBench,
  numbers: readonly number[],
): AsyncGenerator<DeliveredEvent> {
  for (const callers of ['equal', 'different'] as const) {
    for (const sharing of ['alone', 'shared'] as const) {
      const streams = callers === 'equal' && sharing === 'shared' ? 'one' : 'each'
      yield* await withListeners(bench, sharing, callers, async (gateway, listeners) => {
        const measured: DeliveredEvent[] = []
        await listeners.grow(1, 'WebSocket')
        for (let event = 0; event < warmUp; event++) await listeners.deliver()
        for (const asked of numbers) {
          const count = possible(asked, streams)
          await listeners.grow(count, 'WebSocket')
          await listeners.deliver()
          const events = eventsFor(count)
          const before = gateway.usage()
          for (let event = 0; event < events; event++) await listeners.deliver()
          const cpu = (gateway.usage().cpu - before.cpu) / (events * count)
          measured.push({ callers, sharing, asked, listeners: count, cpu })
        }
        return measured
      })
    }
  }
}
