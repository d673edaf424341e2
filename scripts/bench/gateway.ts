/**
 * `npm run bench -- gateway`: what a request costs in this gateway, in others, and at least. Every
 * contender is a process of its own; all run at once and are measured in turns, so that what else the
 * machine does meets all of them.
 *
 *   --rounds N     how often each is measured (default 5; medians are shown)
 *   --scale N      share of the requests of a measurement (default 1)
 *   --only A,B     contenders by name; the floor always runs
 *   --operations A,B  operations by name
 *   --peers DIR    where @graphql-hive/gateway is installed (default scripts/bench/peers)
 *   --json FILE    also writes all figures there
 *
 * BENCH_FLAGS in the environment: options of Node for all contenders instead of
 * `--max-semi-space-size=64`; for instance `--cpu-prof --cpu-prof-dir=FOLDER` to see where the time goes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { contenders, startContender, startStubs } from './gateway/contenders.ts'
import type { RunningContender } from './gateway/contenders.ts'
import { askOnce, measure } from './gateway/measure.ts'
import type { Measurement } from './gateway/measure.ts'
import { operations as allOperations } from './gateway/operations.ts'
import type { BenchOperation } from './gateway/operations.ts'
import { benchSubgraphs } from './gateway/subgraphs.ts'

const connections = 50
const distinctTokens = 10_000
const floorName = 'floor: node:http + undici by hand'

interface Row {
  readonly contender: string
  readonly operation: string
  readonly tokens: number
  /** Microseconds of CPU time a request. */
  readonly cpu: number
  readonly toFloor: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  /** Resident memory after it, in MB. */
  readonly memory: number
  readonly calls: number
}

/** Runs the benchmark and prints its table. */
export async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string' },
      operations: { type: 'string' },
      peers: { type: 'string', default: resolve('scripts/bench/peers') },
      json: { type: 'string' },
    },
  })
  const rounds = wholeNumber(values.rounds, '--rounds')
  const wanted = namesGiven('--only', values.only, contenders(values.peers))
  const names = namesGiven('--operations', values.operations, allOperations)
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const stubs = await startStubs()
  const running: RunningContender[] = []
  try {
    const supergraph = join(folder, 'supergraph.graphql')
    writeFileSync(supergraph, composed(stubs.origins))
    const setting = { ...issuer, supergraph, folder, subgraphs: stubs.origins }
    for (const contender of contenders(values.peers)) {
      if (contender.name !== floorName && wanted && !wanted.includes(contender.name)) continue
      const started = await startContender(contender, setting)
      if (started) running.push(started)
      else console.log(`not here: ${contender.name} (npm install in ${values.peers})`)
    }
    const operations = allOperations.filter(({ name }) => !names || names.includes(name))
    const tokens = await issuer.tokens(distinctTokens)
    await checkAnswers(running, operations, tokens[0]!)
    const rows = await measureAll(running, operations, {
      tokens,
      rounds,
      scale: Number(values.scale),
      calls: stubs.calls,
    })
    print(rows)
    if (values.json) writeFileSync(values.json, JSON.stringify(report(rows), null, 2))
  } finally {
    running.forEach((contender) => contender.stop())
    stubs.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the names that an option gives, if it is given: one that nobody has would measure nothing. */
function namesGiven(
  option: string,
  text: string | undefined,
  all: readonly { readonly name: string }[],
): string[] | undefined {
  const names = text?.split(',')
  const unknown = names?.find((name) => !all.some((one) => one.name === name))
  if (unknown === undefined) return names
  const known = all.map(({ name }) => JSON.stringify(name)).join(', ')
  throw new StartFailure(`${option} has ${JSON.stringify(unknown)}: give one of ${known}`)
}

function composed(origins: Readonly<Record<string, string>>): string {
  const { supergraphSdl, errors } = composeServices(
    benchSubgraphs().map(({ name, sdl }) => ({ name, url: origins[name]!, typeDefs: parse(sdl) })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  return supergraphSdl
}

/** Figures of wrong answers are worth nothing. */
async function checkAnswers(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
  token: string,
): Promise<void> {
  for (const operation of operations) {
    const answers = await Promise.all(running.map(({ url }) => askOnce(url, operation, token)))
    const [first] = answers
    answers.forEach((answer, index) => {
      if (isDeepStrictEqual(answer, first) && !('errors' in (answer as object))) return
      const { name } = running[index]!
      const told = JSON.stringify(answer).slice(0, 300)
      throw new Error(
        `${name} answers "${operation.name}" otherwise than ${running[0]!.name}: ${told}`,
      )
    })
  }
  console.log(`${running.length} contenders answer ${operations.length} operations alike\n`)
}

interface MeasureAllOptions {
  readonly tokens: readonly string[]
  readonly rounds: number
  readonly scale: number
  readonly calls: () => Promise<number>
}

async function measureAll(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
  { tokens, rounds, scale, calls }: MeasureAllOptions,
): Promise<Row[]> {
  const taken = new Map<string, Measurement[]>()
  const combinations = operations.flatMap((operation) =>
    [1, distinctTokens].map((count) => ({ operation, count })),
  )
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const { operation, count } of combinations) {
      for (const contender of running) {
        const measurement = await measure(contender, operation, {
          tokens: tokens.slice(0, count),
          requests: Math.max(1, Math.round(operation.requests * scale)),
          connections,
          calls,
        })
        if (round === 0) continue
        const key = [contender.name, operation.name, count].join('|')
        taken.set(key, [...(taken.get(key) ?? []), measurement])
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`round ${round} of ${rounds}\r`)
  }
  const medianOf = (key: string, figure: keyof Measurement) =>
    median(taken.get(key)!.map((measurement) => measurement[figure]))
  return combinations.flatMap(({ operation, count }) =>
    running.map(({ name }) => {
      const key = [name, operation.name, count].join('|')
      const floor = medianOf([floorName, operation.name, count].join('|'), 'cpu')
      return {
        contender: name,
        operation: operation.name,
        tokens: count,
        cpu: medianOf(key, 'cpu'),
        toFloor: medianOf(key, 'cpu') / floor,
        perSecond: medianOf(key, 'perSecond'),
        p50: medianOf(key, 'p50'),
        p99: medianOf(key, 'p99'),
        memory: medianOf(key, 'memory'),
        calls: medianOf(key, 'calls'),
      }
    }),
  )
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]!
}

function print(rows: readonly Row[]): void {
  console.log(
    `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`,
  )
  console.log(`CPU time of the process a request; ${connections} connections; medians\n`)
  for (const [title, group] of groupsOf(rows)) {
    console.log(`${title}\n`)
    console.log('| contender | CPU us | x floor | req/s | p50 ms | p99 ms | MB | subgraph calls |')
    console.log('|---|---|---|---|---|---|---|---|')
    for (const row of group) {
      const cells = [
        row.contender,
        row.cpu.toFixed(0),
        row.toFloor.toFixed(2),
        row.perSecond.toFixed(0),
        row.p50.toFixed(1),
        row.p99.toFixed(1),
        row.memory.toFixed(0),
        row.calls.toFixed(1),
      ]
      console.log(`| ${cells.join(' | ')} |`)
    }
    console.log()
  }
}

function groupsOf(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const title = `${row.operation}, ${row.tokens === 1 ? 'one token' : `${row.tokens} tokens`}`
    groups.set(title, [...(groups.get(title) ?? []), row])
  }
  return groups
}

function report(rows: readonly Row[]) {
  return {
    date: new Date().toISOString(),
    node: process.version,
    processors: `${cpus().length} x ${cpus()[0]?.model ?? ''}`,
    connections,
    rows,
  }
}
