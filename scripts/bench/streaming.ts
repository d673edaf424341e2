/**
 * `npm run bench -- streaming`: what connections that live long cost a gateway: memory and CPU time of each
 * at rest, and CPU time of each event, by the number of listeners. Two gateways are compared, which
 * differ in whether equal subscriptions share their stream and executions (`deduplicate_subscriptions`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { requireProcessUsage } from './gateway/process-usage.ts'
import type { StreamingBench } from './streaming/compared-gateways.ts'
import { connectionsAtRest } from './streaming/connections-at-rest.ts'
import { deliveredEvents } from './streaming/delivered-events.ts'
import type { DeliveredEvent } from './streaming/delivered-events.ts'
import { startEventSource } from './streaming/listeners.ts'

/** Prints the tables. */
export async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      connections: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '1' },
    },
  })
  const connections = wholeNumber(values.connections, '--connections')
  const rounds = wholeNumber(values.rounds, '--rounds')
  requireProcessUsage()
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const source = await startEventSource()
  try {
    const bench = { issuer, source, folder, tokens: await issuer.tokens(connections) }
    await printRest(bench, connections)
    await printEvents(bench, connections, rounds)
  } finally {
    source.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function printRest(bench: StreamingBench, connections: number): Promise<void> {
  console.log('Connections of one process at rest\n')
  row(['connections', 'of', 'callers', 'subscriptions', 'KB each', 'CPU each, us per second'])
  row(Array.from({ length: 6 }, () => '---'))
  for await (const one of connectionsAtRest(bench, connections)) {
    row([
      String(one.connections),
      one.transport,
      one.callers,
      one.transport === 'idle WebSocket' ? 'none' : one.sharing,
      (one.memory / 1_024).toFixed(1),
      one.cpu.toFixed(1),
    ])
  }
}

async function printEvents(
  bench: StreamingBench,
  connections: number,
  rounds: number,
): Promise<void> {
  const numbers = [...new Set([1, 100, 1_000, 10_000, connections])]
    .filter((number) => number <= connections)
    .sort((one, other) => one - other)
  const measured: DeliveredEvent[] = []
  for (let round = 0; round < rounds; round++) {
    for await (const one of deliveredEvents(bench, numbers)) measured.push(one)
  }
  console.log('\nCPU of an event with an entity fetch, us per listener, by WebSocket\n')
  row(['listeners', 'callers', 'each alone', 'shared', 'ratio'])
  row(Array.from({ length: 5 }, () => '---'))
  for (const callers of ['equal', 'different']) {
    for (const asked of numbers) {
      const of = (sharing: string) =>
        measured.filter(
          (one) => one.callers === callers && one.asked === asked && one.sharing === sharing,
        )
      const [alone, shared] = [median(of('alone')), median(of('shared'))]
      const ratio = (alone.cpu / shared.cpu).toFixed(1)
      row([String(asked), callers, cell(alone), cell(shared), ratio])
    }
  }
}

function median(measured: readonly DeliveredEvent[]): DeliveredEvent {
  return [...measured].sort((one, other) => one.cpu - other.cpu)[measured.length >> 1]!
}

function cell({ cpu, listeners, asked }: DeliveredEvent): string {
  return listeners === asked ? cpu.toFixed(1) : `${cpu.toFixed(1)} (${listeners} listeners)`
}

function row(cells: readonly string[]): void {
  console.log(`| ${cells.join(' | ')} |`)
}
