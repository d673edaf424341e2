/** The access log: one line of JSON per request that is sampled. */
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

/** Writes the line of a request whose response is ready, if it is sampled. */
export type LogRequest = (response: HttpResponse, facts: RequestFacts) => void

/** Names in GraphQL have no greatest length. A code may be a subgraph's. */
const mostCharacters = 128

/**
 * Returns the access log. A line has no variable, document, access token or cookie, nor an address in
 * full; the subject is a pseudonym.
 */
export function accessLog(options: AccessLogOptions): LogRequest {
  const { sample, errors, write, random = Math.random } = options
  const nameOf = pseudonymsOfClaims(options.pseudonymOf)
  const hashOf = documentHashes()

  return (response, facts) => {
    const outcome = outcomeOf(facts)
    const rate = outcome === 'ok' ? sample : errors
    if (rate === 0 || (rate < 1 && random() >= rate)) return
    const { request, caller, query, operation, startedAt } = facts
    const brought = facts.trace ? undefined : readTraceContext(request.headers)
    const line = {
      time: new Date().toISOString(),
      requestId: facts.requestId,
      operation: bounded(operation?.operation.name?.value),
      type: operation?.operation.operation,
      hash: operation && query !== undefined ? hashOf(operation, query) : undefined,
      sub: caller?.claims ? nameOf(caller.claims) : undefined,
      issuer: caller?.issuer,
      client: clientLabel(request.headers, 'name'),
      version: clientLabel(request.headers, 'version'),
      network: clientNetwork(request.clientAddress),
      status: response.status,
      outcome,
      reason: bounded(reasonOf(facts)),
      ms: rounded(performance.now() - startedAt),
      upstreamMs: rounded(facts.upstream),
      calls: facts.calls,
      bytes: sizeOfText(response.body),
      denied: facts.denied,
      trace: facts.trace?.traceId ?? (brought && traceIdOf(brought)),
    }
    write(`${JSON.stringify(line)}\n`)
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
