/**
 * `npm run bench -- start`: what a warm-up costs and saves. For each length of `warm_up.time` a gateway is
 * started, and gets its first requests over one connection, half of them for one subgraph and half for two.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { portcullis, startStubs } from './gateway/contenders.ts'
import { guardedSetting } from './gateway/guarded-setting.ts'
import { operations } from './gateway/operations.ts'
import type { BenchSetting } from './gateway/setting.ts'

const times = ['0s', '500ms', '1s', '2s', '4s']
const requests = 1_000
const bodies = ['simple', 'two hops'].map((name) =>
  JSON.stringify({ query: operations.find((operation) => operation.name === name)!.query }),
)

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
    const setting = guardedSetting(issuer, stubs.origins, folder)
    const tokens = await issuer.tokens(10)
    // The first start warms up this process, and the stubs.
    await start('0s', setting, tokens)
    const starts = new Map<string, Start[]>(times.map((time) => [time, []]))
    for (let round = 0; round < rounds; round++) {
      for (const time of times) starts.get(time)!.push(await start(time, setting, tokens))
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
  tokens: readonly string[],
): Promise<Start> {
  const started = performance.now()
  const contender = portcullis('Portcullis', { engine: 'native', share: false, warmUp })
  const gateway = (await contender.start(setting))!
  const ready = performance.now() - started
  const { origin, pathname } = new URL(gateway.url)
  const pool = new Pool(origin, { connections: 1 })
  try {
    const times: number[] = []
    const before = gateway.usage()
    for (let number = 0; number < requests; number++) {
      const start = performance.now()
      const { body } = await pool.request({
        method: 'POST',
        path: pathname,
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${tokens[number % tokens.length]}`,
        },
        body: bodies[number % bodies.length]!,
      })
      await body.text()
      times.push(performance.now() - start)
    }
    const cpu = (gateway.usage().cpu - before.cpu) / requests
    times.sort((one, other) => one - other)
    return { ready, cpu, p50: times[requests * 0.5]!, p99: times[requests * 0.99]! }
  } finally {
    await pool.destroy()
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
  console.log(`\nThe first ${requests} requests of each process; medians of the rounds.`)
}
