/** The graph as operators look at it: the types and fields of clients with their guards and the subgraphs that have them. */
import { isInterfaceType, isIntrospectionType, isObjectType } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import { printGuard } from './guard-directives.ts'
import type { GuardedSchema } from './guarded-schema.ts'
import { unguardedPaths } from './unguarded-paths.ts'
import type { UnguardedPath } from './unguarded-paths.ts'

export interface DescribedGraph {
  readonly types: readonly DescribedType[]
  /** What `npm run check` finds: ways around guards. */
  readonly unguardedPaths: readonly UnguardedPath[]
}

export interface DescribedType {
  readonly name: string
  readonly description: string | null | undefined
  readonly subgraphs: readonly string[]
  readonly fields: readonly DescribedField[]
}

export interface DescribedField {
  readonly name: string
  /** As a schema has it: `[Session!]`. */
  readonly type: string
  readonly description: string | null | undefined
  /** What a caller has to meet, wherever it is declared: `@authenticated on Query.me`. */
  readonly guards: readonly string[]
  readonly subgraphs: readonly string[]
}

/** Returns the description, in the order of the names. */
export function describeGraph(apiSchema: GraphQLSchema, guarded: GuardedSchema): DescribedGraph {
  const types = Object.values(apiSchema.getTypeMap()).flatMap((type): DescribedType[] => {
    if (isIntrospectionType(type) || !(isObjectType(type) || isInterfaceType(type))) return []
    const known = guarded.types.get(type.name)
    const fields = Object.values(type.getFields()).map((field) => ({
      name: field.name,
      type: String(field.type),
      description: field.description,
      guards: guardsOf(type.name, field.name),
      subgraphs: known?.fields.get(field.name)?.subgraphs ?? [],
    }))
    const { name, description } = type
    return [{ name, description, subgraphs: known?.subgraphs ?? [], fields }]
  })
  return {
    types: types.sort((one, other) => (one.name < other.name ? -1 : 1)),
    unguardedPaths: unguardedPaths(guarded),
  }

  function guardsOf(type: string, field: string): string[] {
    const reasons = guarded.reasons(type, field)
    return [...new Set(reasons.map(({ guard, at }) => `${printGuard(guard)} on ${at.coordinate}`))]
  }
}
