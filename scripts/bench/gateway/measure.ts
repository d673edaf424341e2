/** Sends requests to one contender and measures what they cost. */
import { Pool } from 'undici'
import type { RunningContender } from './contenders.ts'
import type { BenchOperation } from './operations.ts'

export interface MeasureOptions {
  /** The access tokens, used in turn. */
  readonly tokens: readonly string[]
  readonly requests: number
  readonly connections: number
  /** Returns how many requests the subgraphs have received so far. */
  readonly calls: () => Promise<number>
}

export interface Measurement {
  /** Microseconds of CPU time per request. */
  readonly cpu: number
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Resident memory in MB. */
  readonly memory: number
  /** Requests to subgraphs per request. */
  readonly calls: number
}

const pools = new Map<string, Pool>()

/** The parts of a response on which all contenders must agree. */
export interface BenchResponse {
  readonly data?: unknown
  readonly errors?: readonly { readonly path?: readonly (string | number)[] }[]
}

/** Returns the parsed response to one request. */
export async function requestOnce(
  url: string,
  operation: BenchOperation,
  token: string,
): Promise<BenchResponse> {
  return JSON.parse(await post(url, requestBodies(operation)(0), token)) as BenchResponse
}

/** The number of the next request; no number is used twice, so a document with it is a new one. */
let nextNumber = 1

/** Returns the cost of the requests, measured in the process of the contender. */
export async function measure(
  contender: RunningContender,
  operation: BenchOperation,
  { tokens, requests, connections, calls }: MeasureOptions,
): Promise<Measurement> {
  const body = requestBodies(operation)
  const before = await contender.usage()
  const callsBefore = await calls()
  const started = performance.now()
  const times: number[] = []
  let next = 0
  const worker = async () => {
    while (next < requests) {
      const token = tokens[next++ % tokens.length]!
      const start = performance.now()
      await post(contender.url, body(nextNumber++), token)
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

/** Returns the function that returns the body of the request with a number. */
function requestBodies({ query, variables }: BenchOperation): (number: number) => string {
  const body = (text: string) =>
    JSON.stringify({ query: text, ...(variables ? { variables } : {}) })
  if (typeof query !== 'string') return (number) => body(query(number))
  const same = body(query)
  return () => same
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
  // Hive Gateway responds with 401 if it denies one field, and executes the others.
  if (response.statusCode !== 200 && !text.includes('"data":{')) {
    throw new Error(`${url} responds with ${response.statusCode}: ${text.slice(0, 300)}`)
  }
  return text
}
