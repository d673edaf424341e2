import type { BreakingChange, GraphQLSchema } from 'graphql'
import { affectedCoordinates } from './affected-coordinates.ts'
import type { ClientUse, RecordedUsage } from './read-usage.ts'

/** Which clients use what a change breaks, the most frequent ones first. */
export type UsageOfChange =
  | { readonly outcome: 'used'; readonly by: readonly ClientUse[] }
  | { readonly outcome: 'not used'; readonly since: string }
  | { readonly outcome: 'not known' }

/** Returns who uses what the change breaks, as far as the usage shows. */
export function usageOfChange(
  change: BreakingChange,
  last: GraphQLSchema,
  usage: RecordedUsage,
): UsageOfChange {
  const affected = affectedCoordinates(change, last)
  if (!affected) return { outcome: 'not known' }
  const exact = new Set(affected)
  const types = new Set(affected.filter((each) => each.endsWith('.*')).map(typeOf))
  const clients = new Map<string, ClientUse>()
  for (const [coordinate, uses] of usage.coordinates) {
    const isInType = coordinate.includes('.') && types.has(typeOf(coordinate))
    if (!isInType && !exact.has(coordinate)) continue
    for (const use of uses) clients.set(use.client, together(clients.get(use.client), use))
  }
  if (clients.size > 0) {
    const by = [...clients.values()].sort((one, other) => other.requests - one.requests)
    return { outcome: 'used', by }
  }
  if (!usage.isComplete || usage.requests === 0) return { outcome: 'not known' }
  return { outcome: 'not used', since: usage.since }
}

function typeOf(coordinate: string): string {
  return coordinate.slice(0, coordinate.indexOf('.'))
}

/** One request may use several of the coordinates: the largest count is what is certain. */
function together(one: ClientUse | undefined, other: ClientUse): ClientUse {
  if (!one) return other
  return {
    client: one.client,
    requests: Math.max(one.requests, other.requests),
    lastSeen: one.lastSeen > other.lastSeen ? one.lastSeen : other.lastSeen,
  }
}

/** How many clients a message names. */
const mostNamed = 3

/** Returns the usage in words: `used by web 1.4.2, last 2026-11-25 (1,204 requests)`. */
export function describeUsage(usage: UsageOfChange): string {
  if (usage.outcome === 'not used') return `not used since ${usage.since.slice(0, 10)}`
  if (usage.outcome === 'not known') return 'whether it is used is not known'
  const named = usage.by.slice(0, mostNamed).map(describeUse)
  const more = usage.by.length - named.length
  const others = more === 0 ? [] : [`${more} more ${more === 1 ? 'client' : 'clients'}`]
  return `used by ${[...named, ...others].join('; ')}`
}

function describeUse({ client, requests, lastSeen }: ClientUse): string {
  const times = `${requests.toLocaleString('en')} ${requests === 1 ? 'request' : 'requests'}`
  return `${client}, last ${lastSeen.slice(0, 10)} (${times})`
}
