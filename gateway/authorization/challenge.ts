/** The challenge to a caller when nothing of the operation was executed (RFC 6750, section 3). */
import type { Authorizer } from './authorizer.ts'
import type { Caller } from '../client-request.ts'
import type { AuthorizedOperation } from './decisions.ts'
import type { StepUp } from './step-up.ts'
import { loginFor, scopesFor } from './what-is-missing.ts'

/** The status of the response and what its `WWW-Authenticate` header says. */
export type Challenge =
  | { readonly status: 401 }
  /** `insufficient_user_authentication`: a stronger or more recent login would be enough (RFC 9470). */
  | { readonly status: 401; readonly login: StepUp }
  /** `insufficient_scope`: a token with these scopes would have enough scopes for the operation. */
  | { readonly status: 403; readonly scopes: readonly string[] }

/**
 * Returns whether the caller has to log in, to log in again, or needs a token with more scopes. With
 * `show_requirements: false` it names neither scopes nor the login.
 */
export function challengeOf(
  { schema, credentials, options }: Authorizer,
  { compiled, failing }: AuthorizedOperation,
  caller: Caller,
  granted?: ReadonlySet<string>,
): Challenge {
  if (!caller.claims) return { status: 401 }
  const unmet = [...failing].map((guard) => schema.guards[guard]!)
  const login = loginFor(unmet, credentials(caller, granted), options.stepUp)
  if (login) return { status: 401, login: options.showRequirements ? login : { acrValues: [] } }
  if (!options.showRequirements) return { status: 403, scopes: [] }
  const guards = compiled.referencedGuards.map((guard) => schema.guards[guard]!)
  return { status: 403, scopes: scopesFor(guards, credentials(caller)) }
}

/** The challenge as a row of the error table, with its other parameters. */
export interface ChallengeParts {
  readonly reason: 'TOKEN_MISSING' | 'INSUFFICIENT_SCOPE' | 'INSUFFICIENT_USER_AUTHENTICATION'
  /** Attributes of `WWW-Authenticate`: `scope`, or `acr_values` and `max_age` (RFC 9470, section 3). */
  readonly attributes: Readonly<Record<string, string>>
}

/** Returns the parts of a challenge. */
export function challengeParts(challenge: Challenge): ChallengeParts {
  if ('scopes' in challenge) {
    const { scopes } = challenge
    const attributes = scopes.length > 0 ? { scope: scopes.join(' ') } : undefined
    return { reason: 'INSUFFICIENT_SCOPE', attributes: { ...attributes } }
  }
  if (!('login' in challenge)) return { reason: 'TOKEN_MISSING', attributes: {} }
  const { acrValues, maxAge } = challenge.login
  return {
    reason: 'INSUFFICIENT_USER_AUTHENTICATION',
    attributes: {
      ...(acrValues.length > 0 ? { acr_values: acrValues.join(' ') } : {}),
      ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
    },
  }
}
