/** Sends requests to one contender and measures what they cost. */
import { Pool } from 'undici'
import type { RunningContender } from './contender.ts'
import type { BenchOperation } from './operations.ts'

export interface MeasureOptions {
  /** The access tokens; a request has another one than the request before it. */
  readonly tokens: readonly string[]
  /** The measurement ends after so many requests, */
  readonly requests: number
  /** or begins no new one after so many milliseconds. */
  readonly longest: number
  readonly connections: number
  /** The bytes that every response must have; undefined if requests differ. */
  readonly responseBytes: number | undefined
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
  /** The most resident memory during the measurement, in MB. */
  readonly memory: number
  /** Requests to subgraphs per request. */
  readonly calls: number
}

/** The number of the next request; no number is used twice, so a document with it is a new one. */
let nextNumber = 1

/** Returns the body of the response to one request, which is the same for all contenders. */
export function requestOnce(
  url: string,
  operation: BenchOperation,
  token: string,
): Promise<Buffer> {
  return post(url, requestBodies(operation)(0), token)
}

/** Sends the operation once with each token, so that a contender that remembers callers knows them. */
export async function introduceCallers(
  { url }: RunningContender,
  operation: BenchOperation,
  tokens: readonly string[],
  connections: number,
): Promise<void> {
  const body = requestBodies(operation)
  const waiting = tokens.values()
  await atOnce(connections, async () => {
    for (const token of waiting) await post(url, body(nextNumber++), token)
  })
}

/** The share of a measurement for which requests are sent before it. */
const before = 0.4

/**
 * Returns the cost of the requests, measured in the process of the contender. Those before them are not
 * measured: they open the connections, which have been idle while others were measured, and what Node
 * discarded in that time is compiled again.
 */
export async function measure(
  contender: RunningContender,
  operation: BenchOperation,
  { tokens, requests, longest, connections, responseBytes, calls }: MeasureOptions,
): Promise<Measurement> {
  const body = requestBodies(operation)
  const send = async () => {
    const number = nextNumber++
    const response = await post(contender.url, body(number), tokenOf(number, tokens))
    if (responseBytes === undefined || response.length === responseBytes) return
    throw new Error(
      `${contender.name} responds to "${operation.name}" under load with other data than before: ` +
        response.toString('utf8', 0, 300),
    )
  }
  const sendMany = async (share: number) => {
    const started = performance.now()
    const times: number[] = []
    let sent = 0
    await atOnce(connections, async () => {
      while (sent < requests * share && performance.now() - started < longest * share) {
        sent++
        const start = performance.now()
        await send()
        times.push(performance.now() - start)
      }
    })
    return { sent, times, seconds: (performance.now() - started) / 1_000 }
  }
  await sendMany(before)
  await contender.settle()

  const callsBefore = await calls()
  const usageBefore = contender.usage()
  const { sent, times, seconds } = await sendMany(1)
  const after = contender.usage()
  times.sort((one, other) => one - other)
  return {
    cpu: (after.cpu - usageBefore.cpu) / sent,
    perSecond: sent / seconds,
    p50: times[Math.floor(times.length / 2)]!,
    p99: times[Math.floor(times.length * 0.99)]!,
    memory: after.peak / 1024 / 1024,
    calls: ((await calls()) - callsBefore) / sent,
  }
}

/** Returns the token of a request: neighbours are far apart, and all tokens have their turn. */
function tokenOf(number: number, tokens: readonly string[]): string {
  return tokens[(number * 7_919) % tokens.length]!
}

async function atOnce(count: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, work))
}

/** Returns the function that returns the body of the request with a number. */
function requestBodies({ query, variables }: BenchOperation): (number: number) => string {
  const body = (text: string) =>
    JSON.stringify({ query: text, ...(variables ? { variables } : {}) })
  if (typeof query !== 'string') return (number) => body(query(number))
  const same = body(query)
  return () => same
}

const pools = new Map<string, Pool>()

/** No response is compressed: the request does not ask for it. */
async function post(url: string, body: string, token: string): Promise<Buffer> {
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
  const bytes = Buffer.from(await response.body.arrayBuffer())
  // Hive Gateway responds with 401 if it denies one field, and executes the others.
  if (response.statusCode !== 200 && !bytes.includes('"data":{')) {
    const start = bytes.toString('utf8', 0, 300)
    throw new Error(`${url} responds with ${response.statusCode}: ${start}`)
  }
  return bytes
}
