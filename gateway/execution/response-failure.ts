/** Why a subgraph's response cannot be used. */
import type { ErrorName } from '../errors.ts'
import { overloadOf } from './overload.ts'
import { isObject } from '../values/json.ts'
import type { ResponseEnvelope } from './response-envelope.ts'
import { requestTimeout } from './subgraph-client.ts'
import type { SubgraphResponse } from './subgraph-client.ts'

export interface ResponseFailure {
  readonly reason: ErrorName
  /** For the log. */
  readonly why: string
  readonly retryAfter?: number
}

/**
 * Returns why the complete response has failed; undefined when it has data, or errors that explain why it
 * has none (GraphQL, section 7.1: `data: null` only with errors).
 */
export function failureOfResponse(
  response: SubgraphResponse,
  envelope: ResponseEnvelope | undefined,
): ResponseFailure | undefined {
  const { status } = response
  if (status === 401 && envelope) {
    const refused = refusalOfClaimsHeader(envelope)
    if (refused !== undefined) return { reason: 'SUBGRAPH_ERROR', why: refused }
  }
  if (envelope && (envelope.data === 'object' || hasErrors(envelope))) return undefined
  if (status === 401 || status === 403) {
    const why = `it refused the gateway with HTTP status ${status}: check its claims key`
    return { reason: 'SUBGRAPH_ERROR', why }
  }
  // What differs from request to request in their headers comes from clients.
  if (status === 431) return { reason: 'REQUEST_HEADERS_TOO_LARGE', why: 'HTTP status 431' }
  if (status === requestTimeout) return { reason: 'SUBGRAPH_UNREACHABLE', why: notReceived }
  const overload = overloadOf(response)
  if (overload) return { ...overload, why: `HTTP status ${status}` }
  const what =
    envelope?.data === 'null' ? '`data: null` without an error' : 'no GraphQL response in it'
  return { reason: 'SUBGRAPH_RESPONSE_INVALID', why: `HTTP status ${status}, ${what}` }
}

const notReceived =
  'HTTP status 408: the subgraph did not receive the complete request in time (was its process busy?)'

function hasErrors({ errors }: ResponseEnvelope): boolean {
  return Array.isArray(errors) && errors.length > 0
}

/** Returns the problem when the subgraph uses our kit and the kit refused the claims header. */
function refusalOfClaimsHeader({ errors }: ResponseEnvelope): string | undefined {
  const [error] = Array.isArray(errors) ? (errors as unknown[]) : []
  const extensions = isObject(error) && isObject(error.extensions) ? error.extensions : {}
  if (extensions.reason !== 'CLAIMS_HEADER_REFUSED') return undefined
  const { claim } = extensions
  return claim === 'iat' || claim === 'exp'
    ? `it refused the claims header because of "${claim}": check the clocks of gateway and subgraph`
    : 'it refused the claims header: check its claims key'
}
