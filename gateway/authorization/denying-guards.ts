/** Which guards denied fields, for the metrics. */
import type { Authorizer } from './authorizer.ts'
import type { AuthorizedRequest, ExecutedOperation } from './denied-result.ts'
import { printGuard } from './guard-directives.ts'

/** Returns the directive of each guard that denied a field, once for each field that is listed. */
export function denyingGuards(
  { schema }: Authorizer,
  { authorized: { outcome, failing, denied: places } }: AuthorizedRequest,
  { denied }: ExecutedOperation,
): string[] {
  const requirements =
    outcome === 'reduced'
      ? denied.map(({ fields }) => fields.flatMap((field) => field.denied ?? []))
      : places.map(({ requirement }) => requirement)
  return requirements.flatMap((requirement) =>
    [...new Set(requirement)]
      .filter((number) => failing.has(number))
      .map((number) => printGuard(schema.guards[number]!)),
  )
}
