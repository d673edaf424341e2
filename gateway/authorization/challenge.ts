/** What to tell a caller of whose operation nothing was executed, as HTTP says it (RFC 6750, section 3). */
import type { Authorizer } from './authorizer.ts'
import type { Caller } from './caller-masks.ts'
import type { AuthorizedOperation } from './decisions.ts'
import { scopesFor } from './what-is-missing.ts'

export type Challenge =
  | { readonly status: 401 }
  /** `insufficient_scope`: with a token of these scopes the operation would pass, as far as scopes go. */
  | { readonly status: 403; readonly scopes: readonly string[] }

/** Returns who has to log in, and who needs a token of which scopes. */
export function challengeOf(
  { schema, credentials }: Authorizer,
  { compiled }: AuthorizedOperation,
  caller: Caller,
): Challenge {
  if (!caller.claims) return { status: 401 }
  const guards = compiled.touched.map((guard) => schema.guards[guard]!)
  return { status: 403, scopes: scopesFor(guards, credentials(caller)) }
}
