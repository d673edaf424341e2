/** One subgraph, as the engines see it: a request goes out in a caller's name, an answer comes back. */
import type { Logger } from 'pino'
import { GatewayError } from '../errors.ts'
import type { ClientRequest } from '../client-request.ts'
import { cookiesSet } from '../forwarding/cookies.ts'
import { errorsForLog } from './errors-for-log.ts'
import { warnOfHiddenCodes } from './hidden-codes.ts'
import { overloadOf } from './overload.ts'
import { isObject } from './response-data.ts'
import { failureOfResponse } from './response-failure.ts'
import type { ResponseFailure } from './response-failure.ts'
import type { SubgraphClient, SubgraphResponse } from './subgraph-client.ts'
import { readSubgraphErrors } from './subgraph-errors.ts'
import type { SubgraphErrorPolicy } from './subgraph-errors.ts'
import type { SubgraphHeaders } from '../forwarding/subgraph-headers.ts'
import type { SubgraphAnswer, SubgraphRequest } from './subgraph-request.ts'

export interface SubgraphCallParts {
  subgraph: string
  client: SubgraphClient
  headers: SubgraphHeaders
  errors: SubgraphErrorPolicy
  /** The cookies that it may set for the client. */
  cookies: readonly string[]
  /** Told of each call: `answered` or the reason of its failure, and how long it took in seconds. */
  called?: (outcome: string, seconds: number) => void
  log: Logger
}

/** Sends a request for a client's. What a subgraph does wrong is an outcome, never a rejection. */
export type CallSubgraph = (
  request: SubgraphRequest,
  client: ClientRequest,
) => Promise<SubgraphAnswer>

/** Returns the function that calls one subgraph. */
export function subgraphCall(parts: SubgraphCallParts): CallSubgraph {
  const { subgraph, client, headers, cookies, log } = parts
  const warnOfHidden = warnOfHiddenCodes(subgraph, parts.errors, log)

  return async ({ body, operationKind }, { caller, signal, traceparent, setCookies }) => {
    const start = performance.now()
    const told = (outcome: string) => parts.called?.(outcome, (performance.now() - start) / 1000)
    try {
      const mayRetry = operationKind === 'query'
      const response = await client.post(headers(caller), body, { mayRetry, signal, traceparent })
      const failure = failureOfResponse(response)
      if (failure) return failed(failure)
      if (cookies.length > 0) setCookies.push(...cookiesSet(cookies, response.setCookie))
      told('answered')
      return readAnswer(response)
    } catch (cause) {
      if (!(cause instanceof GatewayError)) throw cause
      return failed({ reason: cause.reason, why: describe(cause.cause) })
    }

    function failed({ why, ...failure }: ResponseFailure): SubgraphAnswer {
      told(failure.reason)
      log.warn({ subgraph, code: failure.reason, cause: why }, 'subgraph failed')
      return { outcome: 'failed', ...failure }
    }
  }

  function readAnswer(response: SubgraphResponse): SubgraphAnswer {
    const { data, errors } = response.body!
    if (errors) {
      log.info({ subgraph, ...errorsForLog(errors) }, 'subgraph reported errors')
      warnOfHidden(errors)
    }
    return {
      outcome: 'answered',
      data: isObject(data) ? data : null,
      errors: readSubgraphErrors(errors, parts.errors, overloadOf(response)),
    }
  }
}

/** The error's own words and code, without headers or bodies that undici attaches to it. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const { code } = cause as NodeJS.ErrnoException
  return code ? `${code}: ${cause.message}` : cause.message
}
