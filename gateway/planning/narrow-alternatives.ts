/**
 * The fault: the planner follows every path to every field, and an operation over types that many
 * subgraphs share takes it minutes. For such an operation, this file chooses the subgraphs from which its
 * entities may be fetched. The chosen subgraphs resolve everything that is selected.
 */
import { getNamedType, isCompositeType, isObjectType, Kind } from 'graphql'
import type {
  ConstDirectiveNode,
  DocumentNode,
  GraphQLCompositeType,
  GraphQLSchema,
  SelectionSetNode,
} from 'graphql'
import type { EntityRules } from './entity-rules.ts'
import type { FieldSources } from './field-sources.ts'
import { compositeTypeNamed, fieldOf, withPossibleTypes } from '../graphql/composite-types.ts'
import { applied, argument } from '../graphql/supergraph-directives.ts'
import { hasFields } from '../graphql/type-with-fields.ts'
import { interfaceObjectsOf } from './expand-fragments.ts'
import { parseFieldSet } from '../graphql/field-set.ts'

/** By type: the subgraphs in which fetches of it may start. A type that is not in the map may be fetched from any. */
export type EntrySubgraphs = ReadonlyMap<string, readonly string[]>

/** What the choice is made from. */
export interface NarrowingParts {
  /** The supergraph's own schema, with what clients do not see. */
  readonly schema: GraphQLSchema
  readonly sources: FieldSources
  readonly entities: EntityRules
  /** Types whose fields come from other subgraphs in some requests, or by other means than a key. */
  readonly fixedTypes: ReadonlySet<string>
}

/**
 * Returns the function that chooses for an operation, given without fragment spreads. It chooses at
 * least what the operation needs; beyond that, `most` subgraphs for each type.
 */
export function alternativesNarrower(parts: NarrowingParts) {
  const { schema, sources } = parts
  const narrowable = narrowableTypes(parts)

  return (document: DocumentNode): ((most: number) => EntrySubgraphs) => {
    const selected = selectedFields(parts, document)
    const ranked = new Map<string, { order: string[]; needed: number }>()
    for (const [type, fields] of selected) {
      const order = narrowable.has(type) ? rank(type, fields) : undefined
      if (order) ranked.set(type, order)
    }
    return (most) =>
      new Map(
        [...ranked].map(([type, { order, needed }]) => [
          type,
          order.slice(0, Math.max(most, needed)),
        ]),
      )

    /** Orders the subgraphs: first those that together resolve everything, then the others. */
    function rank(type: string, fields: ReadonlySet<string>) {
      const entered = sources.entered.get(type)!
      const resolved = new Map(
        entered.map((graph) => [
          graph,
          [...fields].filter((field) => resolves(graph, type, field, new Set())),
        ]),
      )
      const left = new Set([...resolved.values()].flat())
      // Another subgraph resolves a part of the field's value: nothing says which ones are needed.
      const isPartlyResolved = (field: string) =>
        !left.has(field) &&
        (sources.resolving.get(`${type}.${field}`) ?? []).some((graph) => entered.includes(graph))
      if ([...fields].some(isPartlyResolved)) return undefined

      const order: string[] = []
      const others = new Set(entered)
      const gain = (graph: string) => resolved.get(graph)!.filter((field) => left.has(field)).length
      while (left.size > 0) {
        const best = [...others].sort(
          (one, other) =>
            gain(other) - gain(one) || resolved.get(other)!.length - resolved.get(one)!.length,
        )[0]!
        order.push(best)
        others.delete(best)
        for (const field of resolved.get(best)!) left.delete(field)
      }
      const byUse = [...others].sort(
        (one, other) => resolved.get(other)!.length - resolved.get(one)!.length,
      )
      return { order: [...order, ...byUse], needed: order.length }
    }

    /** Returns whether the subgraph resolves the field and everything selected of it, or leads to it. */
    function resolves(graph: string, type: string, field: string, above: Set<string>): boolean {
      if (!sources.resolving.get(`${type}.${field}`)?.includes(graph)) return false
      const value = valueOf(schema, type, field)
      if (!value) return true
      return withPossibleTypes(schema, value).every(({ name }) => {
        if (sources.entered.get(name)?.includes(graph) || above.has(name)) return true
        const inside = new Set([...above, name])
        return [...(selected.get(name) ?? [])].every((one) => resolves(graph, name, one, inside))
      })
    }
  }
}

/** Returns the types for which one key leads into every subgraph: each can take another's place. */
export function narrowableTypes(parts: NarrowingParts): Set<string> {
  const { schema, sources, entities, fixedTypes } = parts
  const types = [...sources.entered].filter(([type, entered]) => {
    if (entered.length < 2 || fixedTypes.has(type) || !isObjectType(schema.getType(type))) {
      return false
    }
    const [first, ...others] = entered.map((graph) => entities.keySetsOf(graph, type))
    return first!.some((key) => others.every((keys) => keys.includes(key)))
  })
  return new Set(types.map(([type]) => type))
}

/** Returns the fields selected of each type, with what they require. */
function selectedFields(
  { schema, sources, entities }: NarrowingParts,
  document: DocumentNode,
): Map<string, Set<string>> {
  const selected = new Map<string, Set<string>>()
  const collected = new Map<SelectionSetNode, Set<string>>()
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    collect(definition.selectionSet, schema.getRootType(definition.operation)!)
  }
  return selected

  function collect(set: SelectionSetNode, parent: GraphQLCompositeType): void {
    const parents = collected.get(set) ?? new Set()
    if (parents.has(parent.name)) return
    collected.set(set, parents.add(parent.name))
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = compositeTypeNamed(schema, selection.typeCondition?.name.value)
        collect(selection.selectionSet, condition ?? parent)
      } else if (selection.kind === Kind.FIELD) {
        const { value: field } = selection.name
        for (const { name } of withPossibleTypes(schema, parent)) {
          select(name, field)
          const value = valueOf(schema, name, field)
          if (selection.selectionSet && value) collect(selection.selectionSet, value)
        }
      }
    }
  }

  function select(type: string, field: string): void {
    const fields = selected.get(type) ?? new Set()
    if (fields.has(field)) return
    selected.set(type, fields.add(field))
    for (const graph of sources.resolving.get(`${type}.${field}`) ?? []) {
      const required = entities.requirementSetOf(graph, type, field)
      const parent = compositeTypeNamed(schema, type)
      if (required !== '' && parent) collect(parseFieldSet(required), parent)
    }
  }
}

function valueOf(
  schema: GraphQLSchema,
  typeName: string,
  field: string,
): GraphQLCompositeType | undefined {
  const type = compositeTypeNamed(schema, typeName)
  const definition = type && fieldOf(type, field)
  const value = definition && getNamedType(definition.type)
  return isCompositeType(value) ? value : undefined
}

/** Returns the types of a supergraph that cannot be narrowed. */
export function fixedTypesIn(supergraph: DocumentNode): Set<string> {
  const fixed = new Set<string>()
  const interfaceObjects = interfaceObjectsOf(supergraph)
  for (const type of supergraph.definitions.filter(hasFields)) {
    const joins = (type.fields ?? []).flatMap((field) => applied(field.directives, 'join__field'))
    const varies = joins.some(
      (join) =>
        argument(join, 'overrideLabel') !== undefined || hasArgument(join, 'contextArguments'),
    )
    const implemented = (type.interfaces ?? []).map(({ name }) => name.value)
    const isOfInterfaceObject = [type.name.value, ...implemented].some((name) =>
      interfaceObjects.has(name),
    )
    if (varies || isOfInterfaceObject) fixed.add(type.name.value)
  }
  return fixed
}

function hasArgument(directive: ConstDirectiveNode, name: string): boolean {
  return directive.arguments?.some((one) => one.name.value === name) ?? false
}
