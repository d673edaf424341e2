/** Which guards denied fields, for the metrics. */
import type { Authorizer } from './authorizer.ts'
import { unmetGuards } from './denial.ts'
import { deniedPlaces } from './denied-result.ts'
import type { AuthorizedRequest, ExecutedOperation } from './denied-result.ts'
import { printGuard } from './guard-directives.ts'

/** Returns the directive of each guard that denied a field, once for each field that is listed. */
export function denyingGuards(
  { schema }: Authorizer,
  { authorized }: AuthorizedRequest,
  { denied }: ExecutedOperation,
): string[] {
  return deniedPlaces(authorized, denied).flatMap(({ requirement }) =>
    unmetGuards(schema, requirement, authorized.failing).map(printGuard),
  )
}
