/** Which clients use which parts of the schema: the sum of what all processes have counted. */
import { randomUUID } from 'node:crypto'
import type { Slices } from '../slices.ts'
import { remembered } from '../values/remembered.ts'
import { clientKey } from './usage-counter.ts'
import type { ClientUsage, OperationUsage } from './usage-counter.ts'

export interface UsageLimits {
  /** The most clients of different names or versions. */
  readonly clients: number
  /** The most pairs of a client and a coordinate, and the most coordinates of all other clients. */
  readonly pairs: number
}

const defaultLimits: UsageLimits = { clients: 200, pairs: 50_000 }

/** Requests and the time of the last of them, in ISO 8601. */
export interface CoordinateCount {
  readonly requests: number
  readonly lastSeen: string
}

export interface CoordinateOfClient extends CoordinateCount {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

export interface CoordinateUsage extends CoordinateCount {
  readonly clients: readonly CoordinateOfClient[]
  /** Clients for which there was no room. */
  readonly other?: CoordinateCount | undefined
}

/** What `GET /usage` responds with. */
export interface UsageReport {
  /** Another one after each start: reports with the same id include each other. */
  readonly id: string
  /** When counting began, and when this was read. */
  readonly since: string
  readonly until: string
  /** Whether each coordinate that was used is here. */
  readonly complete: boolean
  /** How many requests have been counted. */
  readonly requests: number
  readonly coordinates: Readonly<Record<string, CoordinateUsage>>
}

export interface UsageTotals {
  /** Forgets everything, as after a start: what came before is not complete. */
  restart(): void
  add(usage: readonly OperationUsage[]): void
  /** Returns a UsageReport as JSON. */
  report(): Slices<string>
}

interface Count {
  requests: number
  lastSeen: number
}

type Counts = Map<string, Count>

interface Client {
  readonly name: string | undefined
  readonly version: string | undefined
  readonly coordinates: Counts
  lastSeen: number
}

/**
 * Returns totals without any count. When there are too many clients, those that were seen longest ago
 * are counted together.
 * @param now the time, in milliseconds since the epoch
 */
export function usageTotals(limits = defaultLimits, now: () => number = Date.now): UsageTotals {
  const clients = new Map<string, Client>()
  const ofOthers: Counts = new Map()
  let id = randomUUID()
  let since = now()
  let pairs = 0
  let requests = 0
  let isComplete = true

  return {
    restart() {
      clients.clear()
      ofOthers.clear()
      id = randomUUID()
      since = now()
      pairs = requests = 0
      isComplete = true
    },
    add(usage) {
      for (const { coordinates, clients } of usage) {
        for (const client of clients) count(coordinates, client)
      }
    },
    report,
  }

  function count(coordinates: readonly string[], usage: ClientUsage): void {
    requests += usage.requests
    const { name, version } = usage
    const client = remembered(clients, clientKey(name, version), () => ({
      name,
      version,
      coordinates: new Map(),
      lastSeen: 0,
    }))
    client.lastSeen = Math.max(client.lastSeen, usage.lastSeen)
    const before = client.coordinates.size
    for (const coordinate of coordinates) addTo(client.coordinates, coordinate, usage)
    pairs += client.coordinates.size - before
    while (clients.size > limits.clients || pairs > limits.pairs) mergeOldest()
  }

  function mergeOldest(): void {
    let oldest: [string, Client] | undefined
    for (const each of clients) {
      if (!oldest || each[1].lastSeen < oldest[1].lastSeen) oldest = each
    }
    const [key, { coordinates }] = oldest!
    clients.delete(key)
    pairs -= coordinates.size
    for (const [coordinate, usage] of coordinates) {
      if (ofOthers.size < limits.pairs || ofOthers.has(coordinate))
        addTo(ofOthers, coordinate, usage)
      else isComplete = false
    }
  }

  function* report(): Slices<string> {
    const head = {
      id,
      since: isoTime(since),
      until: isoTime(now()),
      complete: isComplete,
      requests,
    }
    // What is added meanwhile may be left out, but nothing is counted twice.
    const counted = [...clients.values()]
    const usages = new Map<string, { all: Count; clients: CoordinateOfClient[]; other?: Count }>()
    const usageOf = (coordinate: string, count: Count) => {
      const usage = remembered(usages, coordinate, () => ({ all: noRequests(), clients: [] }))
      addUp(usage.all, count)
      return usage
    }
    for (const [coordinate, count] of ofOthers) usageOf(coordinate, count).other = { ...count }
    for (const { name, version, coordinates } of counted) {
      yield
      for (const [coordinate, count] of coordinates) {
        usageOf(coordinate, count).clients.push({ name, version, ...shown(count) })
      }
    }
    const entries: string[] = []
    for (const [coordinate, { all, clients, other }] of usages) {
      yield
      const usage: CoordinateUsage = { ...shown(all), clients, other: other && shown(other) }
      entries.push(`${JSON.stringify(coordinate)}:${JSON.stringify(usage)}`)
    }
    return `${JSON.stringify(head).slice(0, -1)},"coordinates":{${entries.join(',')}}}\n`
  }
}

function addTo(counts: Counts, coordinate: string, usage: Count): void {
  addUp(remembered(counts, coordinate, noRequests), usage)
}

function addUp(sum: Count, { requests, lastSeen }: Count): void {
  sum.requests += requests
  if (lastSeen > sum.lastSeen) sum.lastSeen = lastSeen
}

function noRequests(): Count {
  return { requests: 0, lastSeen: 0 }
}

function shown({ requests, lastSeen }: Count): CoordinateCount {
  return { requests, lastSeen: isoTime(lastSeen) }
}

function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
