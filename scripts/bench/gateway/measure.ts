/** Load for one contender, and what it cost. */
import { Pool } from 'undici'
import type { RunningContender } from './contenders.ts'
import type { BenchOperation } from './operations.ts'

export interface MeasureOptions {
  /** Used in turn. */
  readonly tokens: readonly string[]
  readonly requests: number
  readonly connections: number
  /** How many requests the subgraphs have had so far. */
  readonly calls: () => Promise<number>
}

export interface Measurement {
  /** Microseconds of CPU time a request. */
  readonly cpu: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Resident memory in MB. */
  readonly memory: number
  /** Calls to subgraphs a request. */
  readonly calls: number
}

const pools = new Map<string, Pool>()

/** Returns the parsed answer to one request. */
export async function askOnce(
  url: string,
  operation: BenchOperation,
  token: string,
): Promise<unknown> {
  return JSON.parse(await post(url, bodyOf(operation), token)) as unknown
}

export async function measure(
  contender: RunningContender,
  operation: BenchOperation,
  { tokens, requests, connections, calls }: MeasureOptions,
): Promise<Measurement> {
  const body = bodyOf(operation)
  const before = await contender.usage()
  const callsBefore = await calls()
  const started = performance.now()
  const times: number[] = []
  let next = 0
  const worker = async () => {
    while (next < requests) {
      const token = tokens[next++ % tokens.length]!
      const start = performance.now()
      await post(contender.url, body, token)
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const seconds = (performance.now() - started) / 1_000
  const after = await contender.usage()
  times.sort((one, other) => one - other)
  return {
    cpu: (after.cpu - before.cpu) / requests,
    perSecond: requests / seconds,
    p50: times[Math.floor(times.length / 2)]!,
    p99: times[Math.floor(times.length * 0.99)]!,
    memory: after.memory / 1024 / 1024,
    calls: ((await calls()) - callsBefore) / requests,
  }
}

function bodyOf({ query, variables }: BenchOperation): string {
  return JSON.stringify({ query, ...(variables ? { variables } : {}) })
}

async function post(url: string, body: string, token: string): Promise<string> {
  const { origin, pathname } = new URL(url)
  const pool = pools.get(origin) ?? new Pool(origin, { connections: 50 })
  pools.set(origin, pool)
  const response = await pool.request({
    method: 'POST',
    path: pathname,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      authorization: `Bearer ${token}`,
    },
    body,
  })
  const text = await response.body.text()
  if (response.statusCode !== 200) {
    throw new Error(`${url} answers ${response.statusCode}: ${text.slice(0, 300)}`)
  }
  return text
}
