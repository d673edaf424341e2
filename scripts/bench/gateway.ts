/**
 * `npm run bench -- gateway`: the CPU time of a request in this gateway, in others, and in a program that
 * is written by hand. Every contender is a process of its own; all run at the same time and are measured
 * in turns, so that other work of the machine affects all of them. scripts/bench.ts lists the options.
 *
 * BENCH_FLAGS in the environment: options of Node for all contenders instead of
 * `--max-semi-space-size=64`; for instance `--cpu-prof --cpu-prof-dir=FOLDER` to see where the time goes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { composeServices } from '@apollo/composition'
import { parse } from 'graphql'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { contenders, floorName, startStubs } from './gateway/contenders.ts'
import type { RunningContender } from './gateway/contenders.ts'
import { measure, requestOnce } from './gateway/measure.ts'
import type { BenchResponse, Measurement } from './gateway/measure.ts'
import { distinctTokens, operations as allOperations } from './gateway/operations.ts'
import type { BenchOperation } from './gateway/operations.ts'
import { picture } from './gateway/picture.ts'
import type { Report, Row } from './gateway/picture.ts'
import { benchSubgraphs } from './gateway/subgraphs.ts'

const defaultConnections = 50

/** Runs the benchmark and prints its table. */
export async function main(): Promise<void> {
  const options = readOptions()
  const { json, picture: svg } = options
  const report = options.from === undefined ? await runAll(options) : savedReport(options.from)
  print(report)
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
  if (svg !== undefined) writeFileSync(svg, picture(report))
}

interface Options {
  readonly rounds: number
  readonly scale: number
  /** Names of contenders. */
  readonly only: readonly string[] | undefined
  readonly operations: readonly string[] | undefined
  readonly peers: string
  readonly json: string | undefined
  readonly picture: string | undefined
  readonly from: string | undefined
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      only: { type: 'string' },
      operations: { type: 'string' },
      peers: { type: 'string', default: resolve('scripts/bench/peers') },
      json: { type: 'string' },
      picture: { type: 'string' },
      from: { type: 'string' },
    },
  })
  const scale = Number(values.scale)
  if (!(scale > 0 && scale < Infinity)) {
    throw new StartFailure(
      `--scale is ${JSON.stringify(values.scale)}: give a number above 0, for instance 0.3`,
    )
  }
  if (values.picture !== undefined && !values.picture.endsWith('.svg')) {
    throw new StartFailure(
      `--picture is ${JSON.stringify(values.picture)}: give the name of an .svg file`,
    )
  }
  return {
    rounds: wholeNumber(values.rounds, '--rounds'),
    scale,
    only: namesGiven('--only', values.only, contenders(values.peers)),
    operations: namesGiven('--operations', values.operations, allOperations),
    peers: values.peers,
    json: fileToWrite('--json', values.json),
    picture: fileToWrite('--picture', values.picture),
    from: values.from,
  }
}

/** Returns the names that an option gives, if it is given; an unknown name would measure nothing. */
function namesGiven(
  option: string,
  text: string | undefined,
  all: readonly { readonly name: string }[],
): string[] | undefined {
  const names = text?.split(',')
  const known = [...new Set(all.map(({ name }) => name))]
  const unknown = names?.find((name) => !known.includes(name))
  if (unknown === undefined) return names
  const list = known.map((name) => JSON.stringify(name)).join(', ')
  throw new StartFailure(`${option} has ${JSON.stringify(unknown)}: give one of ${list}`)
}

/** Returns the file; a folder that is missing is reported now, not after a long measurement. */
function fileToWrite(option: string, file: string | undefined): string | undefined {
  if (file === undefined || existsSync(dirname(file))) return file
  throw new StartFailure(`${option}: the folder ${dirname(file)} does not exist: create it first`)
}

/** Returns the report that an earlier run wrote with --json. */
function savedReport(file: string): Report {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8')) as Report
    if (Array.isArray(report.rows) && typeof report.date === 'string') return report
  } catch {
    // The message below covers every reason.
  }
  throw new StartFailure(`--from: ${file} is not a file that --json has written`)
}

async function runAll(options: Options): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const stubs = await startStubs()
  const running: RunningContender[] = []
  try {
    const supergraph = join(folder, 'supergraph.graphql')
    const guardedSupergraph = join(folder, 'guarded-supergraph.graphql')
    writeFileSync(supergraph, composed(stubs.origins, 'sdl'))
    writeFileSync(guardedSupergraph, composed(stubs.origins, 'guardedSdl'))
    const setting = {
      ...issuer,
      supergraph,
      guardedSupergraph,
      folder,
      subgraphs: stubs.origins,
    }
    const operations = allOperations.filter(
      ({ name }) => options.operations?.includes(name) ?? true,
    )
    for (const contender of contenders(options.peers)) {
      const { name } = contender
      if (name !== floorName && options.only?.includes(name) === false) continue
      if (!operations.some(contender.executes)) continue
      const started = await contender.start(setting)
      if (started) running.push(started)
      else console.log(`not installed: ${name} (npm install in ${options.peers})`)
    }
    const tokens = await issuer.tokens(distinctTokens)
    await checkResponses(running, operations, tokens[0]!)
    const rows = await measureAll(running, operations, { ...options, tokens, calls: stubs.calls })
    return {
      date: new Date().toISOString(),
      node: process.version,
      processors: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`,
      connections: defaultConnections,
      rows,
    }
  } finally {
    running.forEach((contender) => contender.stop())
    stubs.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function composed(origins: Readonly<Record<string, string>>, sdl: 'sdl' | 'guardedSdl'): string {
  const { supergraphSdl, errors } = composeServices(
    benchSubgraphs().map((subgraph) => ({
      name: subgraph.name,
      url: origins[subgraph.name]!,
      typeDefs: parse(subgraph[sdl]),
    })),
  )
  if (supergraphSdl === undefined) throw new Error(errors?.map(String).join('\n'))
  return supergraphSdl
}

/**
 * Throws if a response has other data than the floor's, or other errors than the operation expects: the
 * cost of a wrong response says nothing.
 */
async function checkResponses(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
  token: string,
): Promise<void> {
  for (const operation of operations) {
    const able = running.filter(({ executes }) => executes(operation))
    const responses = await Promise.all(able.map(({ url }) => requestOnce(url, operation, token)))
    const expected = { data: responses[0]!.data, errorPaths: operation.errorPaths ?? [] }
    responses.forEach((response, index) => {
      const received = { data: response.data, errorPaths: errorPathsOf(response) }
      if (isDeepStrictEqual(received, expected)) return
      throw new Error(
        `the response of ${able[index]!.name} to "${operation.name}" is not as expected: ` +
          JSON.stringify(response).slice(0, 300),
      )
    })
  }
  console.log(`${operations.length} operations: all responses are as expected\n`)
}

function errorPathsOf({ errors = [] }: BenchResponse) {
  return errors.map(({ path }) => path)
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
  const measurements = new Map<string, Measurement[]>()
  const combinations = operations.flatMap((operation) =>
    operation.tokens.map((count) => ({
      operation,
      count,
      able: running.filter(({ executes }) => executes(operation)),
    })),
  )
  // The first round only warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const { operation, count, able } of combinations) {
      for (const contender of able) {
        const measurement = await measure(contender, operation, {
          tokens: tokens.slice(0, count),
          requests: Math.max(1, Math.round(operation.requests * scale)),
          connections: operation.connections ?? defaultConnections,
          calls,
        })
        if (round === 0) continue
        const key = [contender.name, operation.name, count].join('|')
        measurements.set(key, [...(measurements.get(key) ?? []), measurement])
      }
    }
    if (process.stderr.isTTY) process.stderr.write(`round ${round} of ${rounds}\r`)
  }
  const medianOf = (key: string, figure: keyof Measurement) =>
    median(measurements.get(key)!.map((measurement) => measurement[figure]))
  return combinations.flatMap(({ operation, count, able }) =>
    able.map(({ name }) => {
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

function print({ date, node, processors, rows, connections }: Report): void {
  console.log(`${date.slice(0, 10)}, Node ${node}, ${processors}`)
  console.log(`CPU time of the process per request; ${connections} connections; medians\n`)
  const names = [...new Set(rows.map(({ contender }) => contender))]
  for (const [heading, group] of groupsOf(rows)) {
    console.log(`${heading}\n`)
    console.log('| contender | CPU us | x floor | req/s | p50 ms | p99 ms | MB | subgraph calls |')
    console.log('|---|---|---|---|---|---|---|---|')
    for (const name of names) {
      const row = group.find(({ contender }) => contender === name)
      console.log(`| ${[name, ...cellsOf(row)].join(' | ')} |`)
    }
    console.log()
  }
}

/** Returns the figures; a dash for each where the contender cannot execute the operation. */
function cellsOf(row: Row | undefined): string[] {
  if (!row) return Array.from({ length: 7 }, () => '-')
  return [
    row.cpu.toFixed(0),
    row.toFloor.toFixed(2),
    row.perSecond.toFixed(0),
    row.p50.toFixed(1),
    row.p99.toFixed(1),
    row.memory.toFixed(0),
    row.calls.toFixed(1),
  ]
}

function groupsOf(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const heading = `${row.operation}, ${row.tokens === 1 ? 'one token' : `${row.tokens} tokens`}`
    groups.set(heading, [...(groups.get(heading) ?? []), row])
  }
  return groups
}
