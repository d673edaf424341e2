/**
 * The access log: one line of JSON per request that is sampled, and another at the end of a
 * subscription or of a response in parts.
 */
import { sizeOfText } from '../graphql/response-data.ts'
import type { Claims } from '../../subgraphs/kit/claims-header.ts'
import type { HttpResponse } from '../http/http-message.ts'
import { clientLabel } from './client-name.ts'
import { clientNetwork } from './client-network.ts'
import { documentHash } from './document-hash.ts'
import { outcomeOf, reasonOf } from './outcome.ts'
import type { PreparedOperation, RequestFacts } from './request-facts.ts'
import type { PseudonymOf } from './subject-pseudonym.ts'
import { readTraceContext, traceIdOf } from './trace-context.ts'

export interface AccessLogOptions {
  /** The part of the successful requests that is logged, from 0 to 1. */
  readonly sample: number
  /** The part of all other requests that is logged, from 0 to 1. */
  readonly errors: number
  readonly pseudonymOf: PseudonymOf
  /** Gets each line with its line break. */
  readonly write: (line: string) => void
  /** A number from 0 to 1; default Math.random. */
  readonly random?: () => number
}

export interface AccessLog {
  /** Writes the line of a request whose response is ready, if it is sampled. */
  responded(response: HttpResponse, facts: RequestFacts): void
  /** Writes the line of what has ended, if its request is sampled or it ended with an error. */
  ended(operation: EndedOperation, facts: RequestFacts): void
}

/** A subscription, or a response in parts, that has ended. */
export type EndedOperation = {
  /** A reason or code of the error table, or one of those that are no error. */
  readonly reason: string
} & (EndedSubscription | EndedParts)

interface EndedSubscription {
  /** How many events the client got. */
  readonly events: number
}

interface EndedParts {
  /** How many parts the client got. */
  readonly parts: number
}

/** The ends that are no error: the client comes back by itself, or wants no more. */
const usualEnds: ReadonlySet<string> = new Set([
  'completed',
  'client gone',
  'restart',
  'TOKEN_EXPIRED',
])

/** Names in GraphQL have no greatest length. A code may be a subgraph's. */
const mostCharacters = 128

/**
 * Returns the access log. A line has no variable, document, access token or cookie, nor an address in
 * full; the subject is a pseudonym.
 */
export function accessLog(options: AccessLogOptions): AccessLog {
  const { sample, errors, write, random = Math.random } = options
  const nameOf = pseudonymsOfClaims(options.pseudonymOf)
  const hashOf = documentHashes()
  const networkOf = rememberedNetwork()
  const timeNow = clockText()

  return {
    responded(response, facts) {
      const outcome = outcomeOf(facts)
      if (!isSampled(facts, outcome === 'ok' ? sample : errors)) return
      // Written by hand, in half the time of JSON.stringify.
      write(
        beginning(facts) +
          `,"status":${response.status},"outcome":"${outcome}"` +
          member('reason', bounded(reasonOf(facts))) +
          `,"ms":${msSince(facts.startedAt)},"upstreamMs":${rounded(facts.upstream)}` +
          `,"calls":${facts.calls},"bytes":${sizeOfText(response.body)},"denied":${facts.denied}` +
          ending(facts),
      )
    },
    ended({ reason, ...sent }, facts) {
      if (!isSampled(facts, usualEnds.has(reason) ? sample : errors)) return
      write(
        beginning(facts) +
          `,"outcome":"ended","reason":${jsonString(bounded(reason)!)}` +
          `,"ms":${msSince(facts.startedAt)}` +
          ('events' in sent ? `,"events":${sent.events}` : `,"parts":${sent.parts}`) +
          ending(facts),
      )
    },
  }

  /** One number is drawn per request: what has two lines has both of them, or neither. */
  function isSampled(facts: RequestFacts, rate: number): boolean {
    if (rate === 0) return false
    return rate === 1 || (facts.draw ??= random()) < rate
  }

  function beginning({ request, requestId, caller, query, operation }: RequestFacts): string {
    return (
      `{"time":"${timeNow()}","requestId":"${requestId}"` +
      member('operation', bounded(operation?.operation.name?.value)) +
      member('type', operation?.operation.operation) +
      member('hash', operation && query !== undefined ? hashOf(operation, query) : undefined) +
      member('sub', caller?.claims ? nameOf(caller.claims) : undefined) +
      member('issuer', caller?.issuer) +
      member('client', clientLabel(request.headers, 'name')) +
      member('version', clientLabel(request.headers, 'version')) +
      member('network', networkOf(request.clientAddress))
    )
  }
}

function ending({ trace, request }: RequestFacts): string {
  const brought = trace ? undefined : readTraceContext(request.headers)
  return member('trace', trace?.traceId ?? (brought && traceIdOf(brought))) + '}\n'
}

function msSince(startedAt: number): number {
  return rounded(performance.now() - startedAt)
}

/** Returns a member of an object in JSON, with the comma before it; an empty text if there is no value. */
function member(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${jsonString(value)}`
}

/** What JSON and Unicode leave as it is. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function jsonString(text: string): string {
  return plain.test(text) ? `"${text}"` : JSON.stringify(text)
}

/** Returns the function that returns the time (RFC 3339): a date is formatted once per second. */
function clockText(): () => string {
  let second = NaN
  let start = ''
  return () => {
    const now = Date.now()
    const milliseconds = now % 1_000
    if (now - milliseconds !== second) {
      second = now - milliseconds
      start = new Date(second).toISOString().slice(0, -4)
    }
    return `${start}${String(milliseconds).padStart(3, '0')}Z`
  }
}

/** Returns the function that returns networks: a proxy, or a client, sends many requests in a row. */
function rememberedNetwork(): (address: string | undefined) => string | undefined {
  let last: string | undefined
  let network: string | undefined
  return (address) => {
    if (address !== last) {
      last = address
      network = clientNetwork(address)
    }
    return network
  }
}

/** Authentication keeps one claims object per access token: each is named once. */
function pseudonymsOfClaims(pseudonymOf: PseudonymOf): (claims: Claims) => string | undefined {
  const known = new WeakMap<Claims, string>()
  return (claims) => {
    if (typeof claims.sub !== 'string') return undefined
    const before = known.get(claims)
    if (before !== undefined) return before
    const pseudonym = pseudonymOf(claims.sub)
    known.set(claims, pseudonym)
    return pseudonym
  }
}

/** A prepared operation is kept for its text: its document is hashed once. */
function documentHashes(): (operation: PreparedOperation, text: string) => string {
  const known = new WeakMap<PreparedOperation, string>()
  return (operation, text) => {
    const before = known.get(operation)
    if (before !== undefined) return before
    const hash = documentHash(text, operation.document)
    known.set(operation, hash)
    return hash
  }
}

function bounded(text: string | undefined): string | undefined {
  return text?.slice(0, mostCharacters)
}

/** To a hundredth. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100
}
