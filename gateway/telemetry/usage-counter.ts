/** Counts which clients send which operations, in one process. */
import type { GraphQLSchema } from 'graphql'
import { clientLabel } from './client-name.ts'
import { operationCoordinates } from './operation-coordinates.ts'
import type { PreparedOperation, RequestFacts } from './request-facts.ts'

/** How often a client sent an operation, and when last, in milliseconds since the epoch. */
export interface ClientUsage {
  readonly name: string | undefined
  readonly version: string | undefined
  requests: number
  lastSeen: number
}

/** An operation, as the coordinates to which it refers, with the clients that sent it. */
export interface OperationUsage {
  readonly coordinates: readonly string[]
  readonly clients: readonly ClientUsage[]
}

export interface UsageCounter {
  /** Notes what an operation refers to, before the first request with it is counted. */
  prepared(operation: PreparedOperation, schema: GraphQLSchema): void
  /** Counts a request whose document and variables are valid. */
  count(facts: RequestFacts): void
  /** Reports what has been counted since the last report. */
  flush(): void
}

/** What may wait until it is reported: coordinates of operations, once for each of their clients. */
const mostWaiting = 3_000

interface CountedOperation {
  readonly coordinates: readonly string[]
  readonly clients: Map<string, ClientUsage>
}

/**
 * Returns a counter. A request costs it two look-ups; coordinates are counted one by one only by those
 * who get the reports.
 * @param report gets what was counted since the last call
 */
export function usageCounter(report: (usage: readonly OperationUsage[]) => void): UsageCounter {
  const operations = new WeakMap<PreparedOperation, CountedOperation>()
  let used: CountedOperation[] = []
  let waiting = 0

  return {
    prepared(operation, schema) {
      const coordinates = operationCoordinates(operation, schema)
      operations.set(operation, { coordinates, clients: new Map() })
    },
    count({ operation, request: { headers } }) {
      const counted = operation && operations.get(operation)
      if (!counted) return
      const name = clientLabel(headers, 'name')
      const version = clientLabel(headers, 'version')
      const key = clientKey(name, version)
      const known = counted.clients.get(key) ?? added(counted, key, name, version)
      known.requests++
      known.lastSeen = Date.now()
      if (waiting > mostWaiting) flush()
    },
    flush,
  }

  function added(
    counted: CountedOperation,
    key: string,
    name: string | undefined,
    version: string | undefined,
  ): ClientUsage {
    if (counted.clients.size === 0) used.push(counted)
    const client = { name, version, requests: 0, lastSeen: 0 }
    counted.clients.set(key, client)
    waiting += counted.coordinates.length + 1
    return client
  }

  function flush(): void {
    if (used.length === 0) return
    const counted = used
    used = []
    waiting = 0
    report(
      counted.map(({ coordinates, clients }) => ({ coordinates, clients: [...clients.values()] })),
    )
    for (const { clients } of counted) clients.clear()
  }
}

/** Returns what identifies a client. Names and versions are visible ASCII, without line breaks. */
export function clientKey(name: string | undefined, version: string | undefined): string {
  return name === undefined && version === undefined ? '' : `${name ?? ''}\n${version ?? ''}`
}
