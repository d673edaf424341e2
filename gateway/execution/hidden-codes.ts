/** Codes of subgraphs' errors that clients do not see, though they may have to act on them. */
import type { Logger } from 'pino'
import { isObject } from './response-data.ts'
import { isCodeVisible } from './subgraph-errors.ts'
import type { SubgraphErrorPolicy } from './subgraph-errors.ts'

/** The most codes of one subgraph that are reported, and the most errors of a response that are looked at. */
const most = { codes: 20, errors: 20 }
const longestCode = 100

/** What servers say when they do not know either. */
const meaningless = 'INTERNAL_SERVER_ERROR'

/**
 * Returns a function that warns of each code that the policy hides, once: so that an operator who hides a
 * code without knowing, as a configuration of an earlier version does, need not find out from clients.
 */
export function warnOfHiddenCodes(
  subgraph: string,
  policy: SubgraphErrorPolicy,
  log: Logger,
): (errors: unknown) => void {
  const reported = new Set<string>([meaningless])
  return (errors) => {
    if (policy === 'expose' || !Array.isArray(errors)) return
    for (const error of errors.slice(0, most.errors)) {
      const code = codeOf(error)
      if (code === undefined || reported.has(code) || isCodeVisible(code, policy)) continue
      if (reported.size > most.codes) return
      reported.add(code)
      log.warn(
        { subgraph, code },
        'clients see SUBGRAPH_ERROR instead of this code: list it in subgraph_errors.pass.codes if they should see it',
      )
    }
  }
}

function codeOf(error: unknown): string | undefined {
  const extensions = isObject(error) ? error['extensions'] : undefined
  const code = isObject(extensions) ? extensions['code'] : undefined
  return typeof code === 'string' && code.length <= longestCode ? code : undefined
}
