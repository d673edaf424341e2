/** The result of a response that can be used: with its errors as the client may see them. */
import type { Logger } from 'pino'
import { errorsForLog } from './errors-for-log.ts'
import { warnOfHiddenCodes } from './hidden-codes.ts'
import { overloadOf } from './overload.ts'
import type { ClientRequest, PassedParts } from '../client-request.ts'
import { isObject, isWithinNesting } from '../values/json.ts'
import { deepestNesting } from './nesting.ts'
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
  /** The top-level extensions that the client gets; undefined: there are none. */
  passedExtensions?: ReadonlySet<string> | undefined
  log: Logger
}

/** Returns the function that makes a result of a response of the subgraph; it logs the errors in it. */
export function usableResult({
  subgraph,
  errors: policy,
  settableCookies,
  passedExtensions,
  log,
}: UsableResultParts) {
  const warnOfHidden = warnOfHiddenCodes(subgraph, policy, log)

  return (
    response: SubgraphResponse,
    { data, errors, extensions }: ResponseEnvelope,
    { requestId, added }: Pick<ClientRequest, 'requestId' | 'added'>,
  ): SubgraphResult => {
    if (errors) {
      log.info({ requestId, subgraph, ...errorsForLog(errors) }, 'subgraph reported errors')
      warnOfHidden(errors)
    }
    const cookies = response.setCookie === undefined ? none : settableCookies(response.setCookie)
    const setsCookie = cookies.length > 0
    const passed =
      setsCookie || response.passed || passedExtensions
        ? {
            setCookies: setsCookie ? cookies : undefined,
            headers: response.passed,
            extensions: passedExtensions && listed(extensions, passedExtensions),
          }
        : undefined
    if (passed) added.add(passed)
    return {
      outcome: 'answered',
      bytes: response.bytes,
      hasData: data === 'object',
      errors:
        errors === undefined ? none : readSubgraphErrors(errors, policy, overloadOf(response)),
      setsCookie,
      passed,
    }
  }
}

/** Returns the extensions that are listed; undefined if there are none. */
function listed(extensions: unknown, names: ReadonlySet<string>): PassedParts['extensions'] {
  if (!isObject(extensions) || !isWithinNesting(extensions, deepestNesting)) return undefined
  const entries = Object.entries(extensions).filter(([name]) => names.has(name))
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

const none: readonly never[] = []
