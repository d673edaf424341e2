/** One subgraph, as the executors see it: a request is sent for a client, and a response comes back. */
import { GatewayError } from '../errors.ts'
import type { Caller, ClientRequest } from '../client-request.ts'
import { readEnvelope } from './response-envelope.ts'
import { failureOfResponse } from './response-failure.ts'
import type { ResponseFailure } from './response-failure.ts'
import type { SubgraphClient } from './subgraph-client.ts'
import { usableResult } from './usable-result.ts'
import type { UsableResultParts } from './usable-result.ts'
import type { SubgraphResult, SubgraphRequest } from './subgraph-request.ts'

export interface SubgraphCallParts extends UsableResultParts {
  client: SubgraphClient
  /** Returns the headers that identify the caller to the subgraph. */
  headers: (caller: Caller) => Readonly<Record<string, string>>
  /** Gets the outcome of each call, `answered`, `cancelled` or the reason of its failure, and its seconds. */
  onSubgraphResponse?: (outcome: string, seconds: number) => void
}

/** Sends a request for a client. A fault of the subgraph is an outcome, never a rejection. */
export type CallSubgraph = (
  request: SubgraphRequest,
  client: ClientRequest,
) => Promise<SubgraphResult>

/** Returns the function that calls one subgraph. */
export function subgraphCall(parts: SubgraphCallParts): CallSubgraph {
  const { subgraph, headers, log } = parts
  const { post } = parts.client
  const resultOf = usableResult(parts)
  const readsExtensions = parts.passedExtensions !== undefined

  return async ({ body, operationKind, readData, span }, client) => {
    const { caller, requestId, signal, traceContext } = client
    const start = performance.now()
    span?.isCalling()
    try {
      const mayRetry = operationKind === 'query'
      const options = { mayRetry, signal, traceContext, requestId, span }
      const response = await post(headers(caller), body, options)
      span?.set('http.response.status_code', response.status)
      const envelope = readEnvelope(response.bytes, readData, readsExtensions)
      const failure = failureOfResponse(response, envelope)
      if (failure) return failed(failure, client, start)
      report('answered', start)
      return resultOf(response, envelope!, client)
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause
      if (signal?.reason === 'client gone') return cancelled(cause, client, start)
      return failed({ reason: cause.reason, why: describe(cause.cause) }, client, start)
    }
  }

  function report(outcome: string, start: number): void {
    parts.onSubgraphResponse?.(outcome, (performance.now() - start) / 1000)
  }

  /** Nobody reads the result: the client's response has ended. */
  function cancelled(
    { reason }: GatewayError,
    { requestId }: ClientRequest,
    start: number,
  ): SubgraphResult {
    report('cancelled', start)
    log.debug({ requestId, subgraph }, 'subgraph call cancelled: the client has gone away')
    return { outcome: 'failed', reason }
  }

  function failed(
    { why, ...failure }: ResponseFailure,
    { requestId }: ClientRequest,
    start: number,
  ): SubgraphResult {
    report(failure.reason, start)
    log.warn({ requestId, subgraph, code: failure.reason, cause: why }, 'subgraph failed')
    return { outcome: 'failed', ...failure }
  }
}

/** Returns the message and code of an error, without the headers or bodies that undici attaches to it. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const { code } = cause as NodeJS.ErrnoException
  return code ? `${code}: ${cause.message}` : cause.message
}
