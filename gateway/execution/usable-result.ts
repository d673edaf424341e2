/** The result of a response that can be used: with its errors as the client may see them. */
import type { Logger } from 'pino'
import { errorsForLog } from './errors-for-log.ts'
import { warnOfHiddenCodes } from './hidden-codes.ts'
import { overloadOf } from './overload.ts'
import type { ClientRequest } from '../client-request.ts'
import type { ResponseEnvelope } from './response-envelope.ts'
import type { SubgraphResponse } from './subgraph-client.ts'
import { readSubgraphErrors } from './subgraph-errors.ts'
import type { SubgraphErrorPolicy } from './subgraph-errors.ts'
import type { SubgraphResult } from './subgraph-request.ts'

export interface UsableResultParts {
  subgraph: string
  errors: SubgraphErrorPolicy
  /** Returns those values of `Set-Cookie` that the subgraph may set for the client. */
  settableCookies: (setCookie: string | readonly string[] | undefined) => readonly string[]
  log: Logger
}

/** Returns the function that makes a result of a response of the subgraph; it logs the errors in it. */
export function usableResult({
  subgraph,
  errors: policy,
  settableCookies,
  log,
}: UsableResultParts) {
  const warnOfHidden = warnOfHiddenCodes(subgraph, policy, log)

  return (
    response: SubgraphResponse,
    { data, errors }: ResponseEnvelope,
    { requestId, setCookies }: Pick<ClientRequest, 'requestId' | 'setCookies'>,
  ): SubgraphResult => {
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
        errors === undefined ? none : readSubgraphErrors(errors, policy, overloadOf(response)),
      setsCookie: cookies.length > 0,
    }
  }
}

const none: readonly never[] = []
