/** Measures all contenders with all operations, in turns. */
import { setTimeout as pause } from 'node:timers/promises'
import type { ResponseBytes } from './check-responses.ts'
import type { RunningContender } from './contender.ts'
import { floorName } from './contenders.ts'
import { introduceCallers, measure } from './measure.ts'
import type { Measurement } from './measure.ts'
import { operations as allOperations } from './operations.ts'
import type { BenchOperation } from './operations.ts'
import type { Row } from './report.ts'

export interface MeasureAllOptions {
  readonly tokens: readonly string[]
  readonly rounds: number
  /** The share of the requests, and of the time, of a measurement. */
  readonly scale: number
  readonly responseBytes: ResponseBytes
  /** Returns how many requests the subgraphs have received so far. */
  readonly calls: () => Promise<number>
}

const defaultConnections = 50
/** Milliseconds after which a measurement begins no new request: expensive contenders send fewer. */
const longestMeasurement = 2_500
/** Milliseconds without requests, after which memory is at rest. */
const longestPause = 10_000

/** Measurements before those that count, at most. */
const mostWarmUps = 12
const clearlyLess = 0.95

/** What is measured together: a contender, an operation, and how many callers send it. */
interface Cell {
  readonly contender: RunningContender
  readonly operation: BenchOperation
  readonly callers: number
  readonly measurements: Measurement[]
}

/**
 * Returns the figures: medians of the rounds. In a round, the contenders are measured one right after the other
 * with the same operation, and compared: the speed of a virtual machine changes by a half within minutes.
 * Before the rounds, each cell is measured until it costs no less any more: Node compiles code for long, and a
 * gateway runs for days.
 */
export async function measureAll(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
  { tokens, rounds, scale, responseBytes, calls }: MeasureAllOptions,
): Promise<Row[]> {
  const groups = cellsOf(running, operations)
  const cells = groups.flat()
  const measureOnce = ({ contender, operation, callers }: Cell) =>
    measure(contender, operation, {
      tokens: tokens.slice(0, callers),
      requests: Math.max(1, Math.round(operation.requests * scale)),
      longest: longestMeasurement * scale,
      connections: connectionsOf(operation),
      responseBytes: responseBytes(contender, operation),
      calls,
    })

  for (const contender of new Set(
    cells.filter(({ callers }) => callers > 1).map((cell) => cell.contender),
  )) {
    await introduceCallers(contender, allOperations[0]!, tokens, defaultConnections)
  }
  for (const cell of cells) await settle(() => measureOnce(cell))
  // A small run has not used much that could be given back.
  await pause(Math.min(longestPause, longestPause * scale * 4))
  const memoryAtRest = new Map(
    running.map((contender) => [contender, contender.usage().memory / 1024 / 1024]),
  )
  const rows: Row[] = []
  for (const group of groups) {
    for (let round = 0; round < rounds; round++) {
      for (const cell of group) cell.measurements.push(await measureOnce(cell))
    }
    const floor = group.find(({ contender }) => contender.name === floorName)!
    rows.push(...group.map((cell) => rowOf(cell, floor, memoryAtRest.get(cell.contender)!)))
  }
  return rows
}

/** Measures again while that makes requests cheaper. */
async function settle(measureOnce: () => Promise<Measurement>): Promise<void> {
  let best = Infinity
  let inVain = 0
  for (let count = 0; count < mostWarmUps && inVain < 2; count++) {
    const { cpu } = await measureOnce()
    inVain = cpu > clearlyLess * best ? inVain + 1 : 0
    best = Math.min(best, cpu)
  }
}

/** Returns the cells of each operation and number of callers. */
function cellsOf(
  running: readonly RunningContender[],
  operations: readonly BenchOperation[],
): Cell[][] {
  return operations.flatMap((operation) =>
    operation.tokens.map((callers) =>
      running
        .filter(({ executes }) => executes(operation))
        .map((contender) => ({ contender, operation, callers, measurements: [] })),
    ),
  )
}

function connectionsOf({ connections = defaultConnections }: BenchOperation): number {
  return connections
}

function rowOf(cell: Cell, floor: Cell, memoryAtRest: number): Row {
  const figures = mediansOf(cell)
  const toFloor = (figure: keyof Measurement) =>
    median(cell.measurements.map((one, round) => one[figure] / floor.measurements[round]![figure]))
  return {
    contender: cell.contender.name,
    operation: cell.operation.name,
    tokens: cell.callers,
    connections: connectionsOf(cell.operation),
    ...figures,
    toFloor: toFloor('cpu'),
    p99ToFloor: toFloor('p99'),
    memoryAtRest,
  }
}

function mediansOf({ measurements }: Cell): Measurement {
  const medianOf = (figure: keyof Measurement) =>
    median(measurements.map((measurement) => measurement[figure]))
  return {
    cpu: medianOf('cpu'),
    perSecond: medianOf('perSecond'),
    p50: medianOf('p50'),
    p99: medianOf('p99'),
    memory: medianOf('memory'),
    calls: medianOf('calls'),
  }
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((one, other) => one - other)
  return sorted[Math.floor(sorted.length / 2)]!
}
