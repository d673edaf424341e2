import type { Trace } from '../client-request.ts'
import { inSpan } from '../telemetry/in-span.ts'
import type { Stages } from './stages.ts'

/** The outcomes of authorization, as a span has them. */
const outcomes = {
  whole: 'allowed',
  reduced: 'reduced',
  'nothing left': 'denied',
  refused: 'denied',
} as const

/** Returns the stages with a span for each; execution has spans of its own. */
export function tracedStages({ prepare, authorize, ...others }: Stages, trace: Trace): Stages {
  return {
    prepare: (request) => inSpan(trace, 'graphql.prepare', () => prepare(request)),
    authorize: (operation, request, client) =>
      inSpan(trace, 'graphql.authorize', async (span) => {
        const authorized = await authorize(operation, request, client)
        const { outcome, failing } = authorized.authorized
        span?.set('portcullis.authorization.outcome', outcomes[outcome])
        span?.set('portcullis.authorization.failed_guards', failing.size)
        return authorized
      }),
    ...others,
  }
}
