/** What became of a request, in one word, and why. */
import { GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { RequestFacts } from './request-facts.ts'

/**
 * `aborted`: the client went away; `refused`: nothing was executed; `denied`: the caller may not see a
 * part of it; `error`: the response has errors.
 */
export type Outcome = 'ok' | 'error' | 'denied' | 'refused' | 'aborted'

/** Returns the outcome; everything but `ok` counts as an error when requests are sampled. */
export function outcomeOf(facts: RequestFacts): Outcome {
  if (facts.isAbandoned) return 'aborted'
  if (facts.refusal) return 'refused'
  if (facts.denied > 0) return 'denied'
  return facts.errors.length > 0 ? 'error' : 'ok'
}

/**
 * Returns the reason of a refusal or of the first error: a row or a code of the error table, or a subgraph's.
 * A request whose client went away has none.
 */
export function reasonOf({ refusal, errors, isAbandoned }: RequestFacts): string | undefined {
  if (isAbandoned) return undefined
  if (refusal === 'unforeseen') return 'INTERNAL_SERVER_ERROR'
  if (refusal instanceof RequestError) return codeOf(refusal.errors[0])
  return refusal?.reason ?? codeOf(errors[0])
}

/** Returns the reason of a failure in the same words. */
export function reasonOfFailure(cause: unknown): string {
  if (cause instanceof GatewayError) return cause.reason
  const code = cause instanceof RequestError ? codeOf(cause.errors[0]) : undefined
  return code ?? 'INTERNAL_SERVER_ERROR'
}

/** Returns the codes of all errors of the response; none where nobody gets it. */
export function codesOf({ refusal, errors, isAbandoned }: RequestFacts): (string | undefined)[] {
  if (isAbandoned) return []
  if (refusal === 'unforeseen') return ['INTERNAL_SERVER_ERROR']
  if (refusal instanceof RequestError) return refusal.errors.map(codeOf)
  return refusal ? [refusal.row.code] : errors.map(codeOf)
}

function codeOf(error: ResponseError | undefined): string | undefined {
  const code = error?.extensions?.['code']
  return typeof code === 'string' ? code : undefined
}
