/** The error for a field that was left out. */
import type { FieldNode, SourceLocation } from 'graphql'
import { errorTable } from '../errors.ts'
import type { AuthorizationOptions } from './authorization-options.ts'
import type { Guard } from './guard-directives.ts'
import type { Requirement } from './guarded-schema.ts'
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

/** What the denials of one response have in common. */
export interface DenialParts extends Pick<AuthorizationOptions, 'showRequirements' | 'stepUp'> {
  readonly guards: readonly Guard[]
  readonly failing: ReadonlySet<number>
  readonly credentials: Credentials
}

/** Returns the function that makes the denials of one response, each of a field at a path. */
export function denialsFor(parts: DenialParts) {
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
    if (!parts.showRequirements) return { code: deniedCode }
    const key = requirement.join()
    const made = known.get(key)
    if (made) return made
    const failing = new Set(requirement.filter((guard) => parts.failing.has(guard)))
    const guards = [...failing].map((guard) => parts.guards[guard]!)
    const login = loginFor(guards, parts.credentials, parts.stepUp)
    const extensions = {
      code: deniedCode,
      ...(login ? { reason: 'INSUFFICIENT_USER_AUTHENTICATION' as const } : {}),
      requires: whatIsMissing(guards, parts.credentials, login),
    } as const
    known.set(key, extensions)
    return extensions
  }
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
