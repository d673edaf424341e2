import { OperationTypeNode } from 'graphql'
import type { GuardedSchema } from '../../gateway/authorization/guarded-schema.ts'
import type { Unplaced } from './finding.ts'

/** Returns the root mutations that anybody may run, unless somebody has said that this is meant. */
export function unguardedMutations(schema: GuardedSchema): Unplaced[] {
  const root = schema.types.get(schema.rootType(OperationTypeNode.MUTATION) ?? '')
  if (root === undefined || root.public) return []
  return [...root.fields.values()]
    .filter((field) => !field.public && schema.fieldRequirement(root.name, field.name).length === 0)
    .map(({ coordinate }) => ({
      severity: 'error',
      code: 'MUTATION_UNGUARDED',
      coordinate,
      message: `anybody may run ${coordinate}: guard it with @authenticated, @requiresScopes or @policy, or mark it @public`,
    }))
}
