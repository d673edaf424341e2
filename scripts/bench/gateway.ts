/**
 * `npm run bench -- gateway`: the CPU time of a request in this gateway, in others, and in a program that
 * is written by hand. Every contender is a process of its own; all run at the same time and are measured
 * in turns, so that other work of the machine affects all of them. scripts/bench.ts lists the options.
 *
 * BENCH_FLAGS in the environment: options of Node for all contenders instead of those with which this gateway
 * runs; for instance `--cpu-prof --cpu-prof-dir=FOLDER` to see where the time goes.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { positiveNumber, wholeNumber } from '../whole-number.ts'
import { startBenchIssuer } from './gateway/bench-issuer.ts'
import { checkResponses } from './gateway/check-responses.ts'
import { composed } from './gateway/composed.ts'
import type { RunningContender } from './gateway/contender.ts'
import { contenders, floorName, startStubs } from './gateway/contenders.ts'
import { measureAll } from './gateway/measure-all.ts'
import { distinctTokens, operations as allOperations } from './gateway/operations.ts'
import { picture } from './gateway/picture.ts'
import { requireProcessUsage } from './gateway/process-usage.ts'
import { print } from './gateway/report.ts'
import type { Report } from './gateway/report.ts'
import { benchSubgraphs } from './gateway/subgraphs.ts'

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
  if (values.picture !== undefined && !values.picture.endsWith('.svg')) {
    throw new StartFailure(
      `--picture is ${JSON.stringify(values.picture)}: give the name of an .svg file`,
    )
  }
  return {
    rounds: wholeNumber(values.rounds, '--rounds'),
    scale: positiveNumber(values.scale, '--scale'),
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
  requireProcessUsage()
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startBenchIssuer()
  const stubs = await startStubs()
  const running: RunningContender[] = []
  try {
    const { peers } = options
    const setting = { ...issuer, ...writtenSchemas(folder, stubs.origins), peers, folder }
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
    const responseBytes = await checkResponses(running, operations, tokens[0]!)
    console.log(`${operations.length} operations: all responses are as expected\n`)
    const { calls } = stubs
    const rows = await measureAll(running, operations, { ...options, tokens, responseBytes, calls })
    return {
      date: new Date().toISOString(),
      node: process.version,
      processors: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`,
      rows,
    }
  } finally {
    running.forEach((contender) => contender.stop())
    stubs.stop()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Returns the files of the schemas and supergraphs, and the addresses of the subgraphs. */
function writtenSchemas(folder: string, subgraphs: Readonly<Record<string, string>>) {
  const written = (name: string, text: string) => {
    const file = join(folder, name)
    writeFileSync(file, text)
    return file
  }
  return {
    subgraphs,
    schemas: Object.fromEntries(
      benchSubgraphs().map(({ name, sdl }) => [name, written(`${name}.graphql`, sdl)]),
    ),
    supergraph: written('supergraph.graphql', composed(subgraphs, 'sdl')),
    guardedSupergraph: written('guarded-supergraph.graphql', composed(subgraphs, 'guardedSdl')),
  }
}
