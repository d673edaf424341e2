/** Error codes of subgraphs that clients do not see, although they may have to act on them. */
import type { Logger } from 'pino'
import { isObject } from '../values/json.ts'
import { isCodeVisible } from './subgraph-errors.ts'
import type { SubgraphErrorPolicy } from './subgraph-errors.ts'

/** The most codes that are reported per subgraph, and the most errors that are read per response. */
const most = { codes: 20, errors: 20 }
const longestCode = 100

/** The code of servers that do not know the cause themselves. */
const meaningless = 'INTERNAL_SERVER_ERROR'

/**
 * Returns a function that warns once of each code that the policy hides. An operator may hide a code without
 * knowing it, with a configuration of an earlier version, and should not learn of it from clients.
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
