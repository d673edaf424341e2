/** What execution needs to know about a supergraph: data that can be sent to another thread. */
import { isAbstractType, isInterfaceType, isObjectType } from 'graphql'
import type { GraphQLSchema } from 'graphql'
import type { FieldSources } from './field-sources.ts'
import type { NamesInUse } from './response-names.ts'

/** The facts. */
export interface SupergraphFacts {
  /** By interface or union, those included that clients do not see: the types that belong to it. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>
  readonly names: NamesInUse
  readonly sources: FieldSources
  /** The types whose alternatives may be omitted. */
  readonly narrowable: ReadonlySet<string>
  /** All labels of progressive `@override` in the supergraph. */
  readonly overrideLabels: readonly string[]
}

/** Returns the members of all interfaces and unions. */
export function membersIn(schema: GraphQLSchema): Map<string, Set<string>> {
  const types = Object.values(schema.getTypeMap())
  const candidates = types.filter((type) => isObjectType(type) || isInterfaceType(type))
  return new Map(
    types.filter(isAbstractType).map((type) => {
      const members = candidates.filter((member) => schema.isSubType(type, member))
      return [type.name, new Set(members.map(({ name }) => name))]
    }),
  )
}
