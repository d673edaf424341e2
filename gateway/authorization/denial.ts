/** The error for a field that was left out. */
import type { FieldNode, SourceLocation } from 'graphql'
import { errorTable } from '../errors.ts'
import { remembered } from '../values/remembered.ts'
import type { Authorizer } from './authorizer.ts'
import type { Guard } from './guard-directives.ts'
import type { GuardedSchema, Requirement } from './guarded-schema.ts'
import type { Credentials, Requires } from './guards/guard-directive.ts'
import { loginFor, whatIsMissing } from './what-is-missing.ts'

/** The code of a denied field if other fields of the operation are executed. */
export const deniedCode = 'UNAUTHORIZED_FIELD_OR_TYPE'

/** Clients show their login page for it: there is no data, and the caller is not logged in. */
const unauthenticated = { code: 'UNAUTHENTICATED', reason: 'TOKEN_MISSING' } as const

/** The most places in the document that a denial names: there can be a thousand denials of one field. */
const mostLocations = 16

/** One denial, as `errors` has it. */
export interface Denial {
  readonly message: string
  readonly path: readonly (string | number)[]
  readonly locations?: readonly SourceLocation[]
  readonly extensions: {
    readonly code: typeof deniedCode | typeof unauthenticated.code
    /** Another login would be enough, and `requires` says which; or there is no login at all. */
    readonly reason?: 'INSUFFICIENT_USER_AUTHENTICATION' | typeof unauthenticated.reason
    readonly requires?: Requires
  }
}

/** Returns the function that makes the denials of one response, each of a field at a path. */
export function denialsFor(
  { schema, options }: Authorizer,
  failing: ReadonlySet<number>,
  credentials: Credentials,
) {
  const known = new Map<string, Denial['extensions']>()

  return (path: Denial['path'], nodes: readonly FieldNode[], requirement: Requirement): Denial => {
    const locations = nodes.slice(0, mostLocations).flatMap(locationOf)
    return {
      message: 'You may not see this field',
      ...(locations.length > 0 ? { locations } : {}),
      path,
      extensions: extensionsOf(requirement),
    }
  }

  /** A list of a thousand has a thousand denials of the same field: what is missing is computed once. */
  function extensionsOf(requirement: Requirement): Denial['extensions'] {
    if (!options.showRequirements) return { code: deniedCode }
    return remembered(known, requirement.join(), () => {
      const guards = unmetGuards(schema, requirement, failing)
      const login = loginFor(guards, credentials, options.stepUp)
      return {
        code: deniedCode,
        ...(login ? { reason: 'INSUFFICIENT_USER_AUTHENTICATION' } : {}),
        requires: whatIsMissing(guards, credentials, login),
      }
    })
  }
}

/** Returns the guards of a requirement that are not met, each once. */
export function unmetGuards(
  { guards }: Pick<GuardedSchema, 'guards'>,
  requirement: Requirement,
  failing: ReadonlySet<number>,
): Guard[] {
  const unmet = new Set(requirement.filter((guard) => failing.has(guard)))
  return [...unmet].map((guard) => guards[guard]!)
}

/** Returns the denials for an anonymous caller if nothing of the operation is left. */
export function withTokenMissing(denials: readonly Denial[]): Denial[] {
  const { message } = errorTable.TOKEN_MISSING
  return denials.map((denial) => ({
    ...denial,
    message,
    extensions: { ...denial.extensions, ...unauthenticated },
  }))
}

function locationOf({ loc }: FieldNode): SourceLocation[] {
  return loc ? [{ line: loc.startToken.line, column: loc.startToken.column }] : []
}
