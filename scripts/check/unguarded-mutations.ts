import { OperationTypeNode } from 'graphql'
import { directiveOf, guardKinds } from '../../gateway/authorization/guard-directives.ts'
import type { GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import type { Unplaced } from './finding.ts'

const anyGuard = new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(
  guardKinds.map((kind) => `@${directiveOf(kind).name}`),
)

/** Returns the root mutations that any caller may run, except those marked @public. */
export function unguardedMutations(schema: GuardedSchema): Unplaced[] {
  const root = schema.types.get(schema.rootType(OperationTypeNode.MUTATION) ?? '')
  if (root === undefined || root.public) return []
  return [...root.fields.values()]
    .filter((field) => !field.public && schema.fieldRequirement(root.name, field.name).length === 0)
    .map(({ coordinate }) => ({
      severity: 'error',
      code: 'MUTATION_UNGUARDED',
      coordinate,
      message: `any caller may run ${coordinate}: guard it with ${anyGuard}, or mark it @public`,
    }))
}
