import { grantedScopes } from '../../subgraphs/kit/guards.ts'
import type { Caller } from '../client-request.ts'

/** The callers that decisions are explained to: those with one of these scopes, or all. */
export type ExplainTo = 'everyone' | readonly string[]

/** Returns whether decisions are explained to a caller. */
export function mayExplain(explainTo: ExplainTo, { claims }: Caller): boolean {
  if (explainTo === 'everyone') return true
  if (claims === null || explainTo.length === 0) return false
  const granted = grantedScopes(claims)
  return explainTo.some((scope) => granted.includes(scope))
}
