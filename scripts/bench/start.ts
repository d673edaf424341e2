/**
 * `npm run bench -- start`: what a warm-up costs and saves. For each length of `warm_up.time` a gateway is
 * started, and gets its first requests over one connection, half of them for one subgraph and half for two.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { composed } from './gateway/composed.ts'
import { portcullis, startStubs } from './gateway/contenders.ts'
import { measure } from './gateway/measure.ts'
import type { MeasureOptions } from './gateway/measure.ts'
import { operations } from './gateway/operations.ts'
import type { BenchSetting } from './gateway/setting.ts'

const times = ['0s', '500ms', '1s', '2s', '4s']
const requests = 500

interface Start {
  /** Milliseconds until it accepts connections. */
  readonly ready: number
  /** Of its first requests: microseconds of CPU time per request, and milliseconds. */
  readonly cpu: number
  readonly p50: number
  readonly p99: number
}

/** Prints the table. */
export async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
  const rounds = wholeNumber(values.rounds, '--rounds')
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const stubs = await startStubs()
  try {
    const supergraph = join(folder, 'supergraph.graphql')
    writeFileSync(supergraph, composed(stubs.origins, 'guardedSdl'))
    const setting = {
      ...issuer,
      supergraph,
      guardedSupergraph: supergraph,
      schemas: {},
      peers: folder,
      folder,
      subgraphs: stubs.origins,
    }
    const options = {
      tokens: await issuer.tokens(100),
      requests,
      connections: 1,
      calls: stubs.calls,
    }
    // The first start warms up this process, and the stubs.
    await start('0s', setting, options)
    const starts = new Map<string, Start[]>(times.map((time) => [time, []]))
    for (let round = 0; round < rounds; round++) {
      for (const time of times) starts.get(time)!.push(await start(time, setting, options))
    }
    print(starts)
  } finally {
    stubs.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function start(
  warmUp: string,
  setting: BenchSetting,
  options: MeasureOptions,
): Promise<Start> {
  const started = performance.now()
  const contender = portcullis('Portcullis', { engine: 'native', share: false, warmUp })
  const gateway = (await contender.start(setting))!
  const ready = performance.now() - started
  try {
    const [one, two] = ['simple', 'two hops'].map((name) =>
      operations.find((operation) => operation.name === name)!,
    )
    const simple = await measure(gateway, one!, options)
    const twoHops = await measure(gateway, two!, options)
    return {
      ready,
      cpu: (simple.cpu + twoHops.cpu) / 2,
      p50: simple.p50,
      p99: Math.max(simple.p99, twoHops.p99),
    }
  } finally {
    gateway.stop()
  }
}

function print(starts: ReadonlyMap<string, readonly Start[]>): void {
  const row = (cells: readonly string[]) =>
    console.log(cells.map((cell) => cell.padStart(14)).join(''))
  row(['warm_up.time', 'ready, ms', 'CPU, us', 'p50, ms', 'p99, ms'])
  for (const [time, measured] of starts) {
    const middle = (of: keyof Start) =>
      measured.map((start) => start[of]).sort((one, other) => one - other)[measured.length >> 1]!
    row([
      time,
      middle('ready').toFixed(0),
      middle('cpu').toFixed(0),
      middle('p50').toFixed(2),
      middle('p99').toFixed(2),
    ])
  }
  console.log(`\nThe first ${requests * 2} requests of each process; medians of the rounds.`)
}
