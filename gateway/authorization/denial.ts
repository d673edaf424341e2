/** The error that stands for a field that was left out. */
import type { FieldNode, SourceLocation } from 'graphql'
import type { Credentials, Guard } from './guard.ts'
import type { Requirement } from './guarded-schema.ts'
import { loginThatWouldDo } from './step-up.ts'
import type { StepUpPolicies } from './step-up.ts'
import { whatIsMissing } from './what-is-missing.ts'
import type { Requires } from './what-is-missing.ts'

export const deniedCode = 'UNAUTHORIZED_FIELD_OR_TYPE'

export interface Denial {
  readonly message: string
  readonly path: readonly (string | number)[]
  readonly locations?: readonly SourceLocation[]
  readonly extensions: {
    readonly code: typeof deniedCode
    /** The caller is known, and another login would do: `requires` says which. */
    readonly reason?: 'INSUFFICIENT_USER_AUTHENTICATION'
    readonly requires?: Requires
  }
}

export interface DenialParts {
  readonly guards: readonly Guard[]
  readonly failing: ReadonlySet<number>
  readonly credentials: Credentials
  readonly showRequirements: boolean
  readonly stepUp: StepUpPolicies
}

export type MakeDenial = (
  path: readonly (string | number)[],
  nodes: readonly FieldNode[],
  requirement: Requirement,
) => Denial

/** Returns the function that makes the denials of one answer. */
export function denialsFor(parts: DenialParts): MakeDenial {
  const known = new Map<string, Denial['extensions']>()

  return (path, nodes, requirement) => {
    const locations = nodes.flatMap(locationOf)
    return {
      message: 'You may not see this field',
      ...(locations.length > 0 ? { locations } : {}),
      path,
      extensions: extensionsOf(requirement),
    }
  }

  /** A list of a thousand has a thousand denials of the same field: what is missing is told once. */
  function extensionsOf(requirement: Requirement): Denial['extensions'] {
    if (!parts.showRequirements) return { code: deniedCode }
    const key = requirement.join()
    const made = known.get(key)
    if (made) return made
    const failing = new Set(requirement.filter((guard) => parts.failing.has(guard)))
    const guards = [...failing].map((guard) => parts.guards[guard]!)
    const login = loginThatWouldDo(guards, parts.credentials, parts.stepUp)
    const extensions = {
      code: deniedCode,
      ...(login ? { reason: 'INSUFFICIENT_USER_AUTHENTICATION' as const } : {}),
      requires: whatIsMissing(guards, parts.credentials, login),
    } as const
    known.set(key, extensions)
    return extensions
  }
}

function locationOf({ loc }: FieldNode): SourceLocation[] {
  return loc ? [{ line: loc.startToken.line, column: loc.startToken.column }] : []
}
