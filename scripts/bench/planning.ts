/**
 * `npm run bench -- planning`: how long other requests wait while a gateway loads another supergraph of 50
 * subgraphs, and while it plans a large operation: the longest time that the event loop was blocked. The
 * gateway follows a file, as in production; no request is sent.
 *
 * Also: operations that are hard to plan, how long easy ones wait meanwhile, and how much memory is kept
 * afterwards.
 *
 * On a busy machine the event loop also waits for a processor. The last column leaves such times out: it is
 * the most work of this thread between two turns of its event loop, as Linux reports it.
 *
 *   --subgraphs N   how many (default 50)
 *   --types N       how many types each adds (default 4)
 *   --rounds N      how often another supergraph is loaded (default 3)
 */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { noPolicies } from '../../gateway/authorization/policies.ts'
import { limitsSchema } from '../../gateway/configuration/limits.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import { createSchemaVersion } from '../../gateway/supergraph/schema-version.ts'
import { openUpstreams } from '../../gateway/streaming/upstreams.ts'
import type { SchemaVersion } from '../../gateway/supergraph/schema-version.ts'
import { supergraphFile } from '../../gateway/supergraph/supergraph-file.ts'
import { followSupergraph } from '../../gateway/supergraph/follow-supergraph.ts'
import { keptSupergraph } from '../../gateway/supergraph/kept-supergraph.ts'
import { wholeNumber } from '../whole-number.ts'
import { composedGraph, largeOperation, usualOperations } from './planning/graph.ts'
import type { GraphSize } from './planning/graph.ts'
import { longestStall } from './planning/longest-stall.ts'
import { measureHardOperations } from './planning/hard-operations.ts'
import type { Row } from './planning/hard-operations.ts'

/** The number of operations that a gateway plans before another supergraph serves. */
const operationsInUse = 100
const log = pino({ level: 'silent' })

/** Runs the benchmark and prints its tables. */
export async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      subgraphs: { type: 'string', default: '50' },
      types: { type: 'string', default: '4' },
      rounds: { type: 'string', default: '3' },
    },
  })
  const rounds = wholeNumber(values.rounds, '--rounds')
  const subgraphs = wholeNumber(values.subgraphs, '--subgraphs')
  await report({ subgraphs, types: wholeNumber(values.types, '--types') }, rounds)
  // A supergraph that is loaded without a thread.
  await report({ subgraphs: 3, types: 2 }, rounds)
  await reportHardOperations()
}

async function reportHardOperations(): Promise<void> {
  const { rows, memory } = await measureHardOperations()
  const [before, after] = [memory.before, memory.after].map((megabytes) => megabytes.toFixed(0))
  printRows('7 subgraphs that share nearly all fields of one entity; milliseconds', rows)
  console.log(`\nResident memory: ${before} MB before the refused operations, ${after} MB after.`)
}

async function report(size: GraphSize, rounds: number): Promise<void> {
  const versions = await Promise.all([composedGraph(size, 0), composedGraph(size, 1)])
  const rows = await rowsOf(versions, size, rounds)
  const kilobytes = (versions[0].length / 1024).toFixed(0)
  printRows(
    `${size.subgraphs} subgraphs, a supergraph of ${kilobytes} KB; ${operationsInUse} operations ` +
      'in use; milliseconds',
    rows,
  )
}

function printRows(title: string, rows: readonly Row[]): void {
  console.log(
    `\n${title}\n\n| what | took | longest stall of the event loop | most work between two turns |\n|---|---|---|---|`,
  )
  for (const { what, took, longestStall, mostWork } of rows) {
    const figures = [took, longestStall, mostWork].map((figure) => figure?.toFixed(0) ?? 'unknown')
    console.log(`| ${[what, ...figures].join(' | ')} |`)
  }
}

async function rowsOf(
  versions: readonly [string, string],
  size: GraphSize,
  rounds: number,
): Promise<Row[]> {
  const rows: Row[] = []
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const path = join(folder, 'supergraph.graphql')
  writeFileSync(path, versions[0])
  let served = () => {}
  const record = await keptSupergraph({ directory: folder, location: path, log })
  const follow = () =>
    followSupergraph({
      source: supergraphFile(path, record),
      log,
      onServed: () => served(),
      create: (supergraph, previous?: SchemaVersion) =>
        createSchemaVersion({ ...parts, supergraph, previous }),
      retire: (generation) => generation.close(),
    })
  let followed: Awaited<ReturnType<typeof follow>> | undefined
  const started = await longestStall(async () => (followed = await follow()))
  rows.push({ what: 'the first supergraph, before any request is served', ...started })
  try {
    for (const document of [
      ...usualOperations(operationsInUse - 1, size),
      largeOperation(4, size),
    ]) {
      await followed!.current().executor.prepare({ document })
    }
    for (let round = 1; round <= rounds; round++) {
      const took = await longestStall(async () => {
        const serves = new Promise<void>((resolve) => (served = resolve))
        writeFileSync(`${path}.new`, versions[round % 2]!)
        renameSync(`${path}.new`, path)
        await serves
      })
      rows.push({ what: `another supergraph is loaded, time ${round}`, ...took })
    }
    const engine = followed!.current().executor
    const planned = await longestStall(() => engine.prepare({ document: largeOperation(6, size) }))
    rows.push({ what: 'a large operation is planned', ...planned })
    return rows
  } finally {
    await followed!.close()
    rmSync(folder, { recursive: true })
  }
}

const parts = {
  executor: 'native',
  subgraph: (name: string) => ({
    ...subgraphSettings({}, name),
    forwarding: {
      headers: () => ({}),
      deduplicationKey: () => '',
      settableCookies: () => [],
    },
  }),
  called: () => {},
  upstreams: openUpstreams({ upstreamOpened() {}, upstreamClosed() {}, received() {} }),
  reconnected: () => {},
  // Introspection is prepared as well.
  authorization: { introspection: 'filtered' },
  policies: noPolicies,
  explainTo: [],
  limits: limitsSchema.parse(undefined),
  log,
} as const
