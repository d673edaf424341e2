/** One subgraph, as the executors see it: a request is sent for a client, and a response comes back. */
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import type { Caller, ClientRequest } from '../client-request.ts'
import { errorsForLog } from './errors-for-log.ts'
import { warnOfHiddenCodes } from './hidden-codes.ts'
import { overloadOf } from './overload.ts'
import { readEnvelope } from './response-envelope.ts'
import type { ResponseEnvelope } from './response-envelope.ts'
import { failureOfResponse } from './response-failure.ts'
import type { ResponseFailure } from './response-failure.ts'
import type { SubgraphClient, SubgraphResponse } from './subgraph-client.ts'
import { readSubgraphErrors } from './subgraph-errors.ts'
import type { SubgraphErrorPolicy } from './subgraph-errors.ts'
import type { SubgraphResult, SubgraphRequest } from './subgraph-request.ts'

export interface SubgraphCallParts {
  subgraph: string
  client: SubgraphClient
  /** Returns the headers that identify the caller to the subgraph. */
  headers: (caller: Caller) => Readonly<Record<string, string>>
  /** Returns those values of `Set-Cookie` that the subgraph may set for the client. */
  settableCookies: (setCookie: string | readonly string[] | undefined) => readonly string[]
  errors: SubgraphErrorPolicy
  /** Gets the outcome of each call, `answered`, `cancelled` or the reason of its failure, and its seconds. */
  onSubgraphResponse?: (outcome: string, seconds: number) => void
  log: Logger
}

/** Sends a request for a client. A fault of the subgraph is an outcome, never a rejection. */
export type CallSubgraph = (
  request: SubgraphRequest,
  client: ClientRequest,
) => Promise<SubgraphResult>

/** Returns the function that calls one subgraph. */
export function subgraphCall(parts: SubgraphCallParts): CallSubgraph {
  const { subgraph, headers, settableCookies, log } = parts
  const { post } = parts.client
  const warnOfHidden = warnOfHiddenCodes(subgraph, parts.errors, log)

  return async ({ body, operationKind, readData, span }, client) => {
    const { caller, requestId, signal, traceContext } = client
    const start = performance.now()
    span?.isCalling()
    try {
      const mayRetry = operationKind === 'query'
      const options = { mayRetry, signal, traceContext, requestId, span }
      const response = await post(headers(caller), body, options)
      span?.set('http.response.status_code', response.status)
      const envelope = readEnvelope(response.bytes, readData)
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

  function resultOf(
    response: SubgraphResponse,
    { data, errors }: ResponseEnvelope,
    { requestId, setCookies }: ClientRequest,
  ): SubgraphResult {
    if (errors) {
      log.info({ requestId, subgraph, ...errorsForLog(errors) }, 'subgraph reported errors')
      warnOfHidden(errors)
    }
    const cookies = response.setCookie === undefined ? none : settableCookies(response.setCookie)
    if (cookies.length > 0) setCookies.push(...cookies)
    return {
      outcome: 'answered',
      bytes: response.bytes,
      hasData: data === 'object',
      errors:
        errors === undefined
          ? none
          : readSubgraphErrors(errors, parts.errors, overloadOf(response)),
      setsCookie: cookies.length > 0,
    }
  }
}

const none: readonly never[] = []

/** Returns the message and code of an error, without the headers or bodies that undici attaches to it. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const { code } = cause as NodeJS.ErrnoException
  return code ? `${code}: ${cause.message}` : cause.message
}
