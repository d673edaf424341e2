/** What a run of the benchmark found, and how it is printed. */

/** What `--json FILE` writes. */
export interface Report {
  /** ISO 8601. */
  readonly date: string
  readonly node: string
  readonly processors: string
  readonly rows: readonly Row[]
}

/** The figures of one contender with one operation. */
export interface Row {
  readonly contender: string
  readonly operation: string
  readonly tokens: number
  /** How many requests are under way at the same time. */
  readonly connections: number
  /** Microseconds of CPU time per request. */
  readonly cpu: number
  /** CPU time relative to the floor's in the same round. */
  readonly toFloor: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** The 99th percentile relative to the floor's in the same round. */
  readonly p99ToFloor: number
  /** Resident memory in MB after the warm-up and a pause. */
  readonly memoryAtRest: number
  /** The most resident memory during the measurement, in MB. */
  readonly memory: number
  /** Requests to subgraphs per request. */
  readonly calls: number
}

/** The columns of the printed tables, each with its text for a row. */
const columns: readonly [heading: string, text: (row: Row) => string][] = [
  ['CPU us', ({ cpu }) => cpu.toFixed(0)],
  ['x floor', ({ toFloor }) => toFloor.toFixed(2)],
  ['req/s', ({ perSecond }) => perSecond.toFixed(0)],
  ['p50 ms', ({ p50 }) => p50.toFixed(1)],
  ['p99 ms', ({ p99 }) => p99.toFixed(1)],
  ['x floor', ({ p99ToFloor }) => p99ToFloor.toFixed(2)],
  ['MB at rest', ({ memoryAtRest }) => memoryAtRest.toFixed(0)],
  ['MB under load', ({ memory }) => memory.toFixed(0)],
  ['subgraph calls', ({ calls }) => calls.toFixed(1)],
]

/** Prints a table for each operation; a dash is where a contender cannot execute the operation. */
export function print({ date, node, processors, rows }: Report): void {
  console.log(`${date.slice(0, 10)}, Node ${node}, ${processors}`)
  console.log('CPU time of the process per request; medians; -: cannot execute the operation\n')
  const names = [...new Set(rows.map(({ contender }) => contender))]
  for (const [heading, group] of groupsOf(rows)) {
    console.log(`${heading}\n`)
    console.log(line(['contender', ...columns.map(([title]) => title)]))
    console.log(`|${'---|'.repeat(columns.length + 1)}`)
    for (const name of names) {
      const row = group.find(({ contender }) => contender === name)
      console.log(line([name, ...columns.map(([, text]) => (row ? text(row) : '-'))]))
    }
    console.log()
  }
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function groupsOf(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>()
  for (const row of rows) {
    const { operation, tokens, connections } = row
    const heading = `${operation}, ${tokens === 1 ? 'one token' : `${tokens} tokens`}, ${connections} connections`
    groups.set(heading, [...(groups.get(heading) ?? []), row])
  }
  return groups
}
