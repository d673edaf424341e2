import { directiveOf, printGuard } from '../../gateway/authorization/guard-directives.ts'
import type { Guard } from '../../gateway/authorization/guard-directives.ts'
import type { GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import type { Unplaced } from './finding.ts'

/**
 * Returns the fields that required more of callers in the last supergraph. A field that is now marked
 * @public is only a warning: it was intended.
 */
export function removedGuards(last: GuardedSchema, schema: GuardedSchema): Unplaced[] {
  return [...schema.types.values()].flatMap((type) =>
    [...type.fields.values()].flatMap((field) => {
      const now = guardsOf(schema, type.name, field.name)
      const gone = guardsOf(last, type.name, field.name).filter(
        (guard) => !now.some((other) => implies(other, guard)),
      )
      if (gone.length === 0) return []
      return {
        severity: field.public || type.public ? ('warning' as const) : ('error' as const),
        code: 'GUARD_REMOVED',
        coordinate: field.coordinate,
        message: `${field.coordinate} demanded ${printed(gone)} in the last supergraph, and now demands ${now.length > 0 ? printed(now) : 'nothing'}`,
      }
    }),
  )
}

function guardsOf(schema: GuardedSchema, typeName: string, fieldName: string): Guard[] {
  const byText = new Map<string, Guard>()
  for (const { guard } of schema.reasons(typeName, fieldName)) byText.set(printGuard(guard), guard)
  return [...byText.values()]
}

/** Returns whether every caller that satisfies one guard satisfies the other. Only an access token has claims. */
export function implies(one: Guard, other: Guard): boolean {
  const directive = directiveOf(one.kind)
  if (other.kind === 'authenticated') return directive.decidedBy === 'claims'
  return one.kind === other.kind && directive.implies(one, other)
}

function printed(guards: readonly Guard[]): string {
  return guards.map(printGuard).join(' and ')
}
