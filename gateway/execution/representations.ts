/** Representations: they identify an entity for a subgraph, and contain the fields that it requires. */
import type { FetchDataRewrite, QueryPlanSelectionNode } from '@apollo/query-planner'
import { jsonString } from './json-string.ts'
import { boundedJson, deepestNesting, NestedTooDeep } from './nesting.ts'
import { isObject } from '../values/json.ts'
import type { JsonObject } from './response-data.ts'
import { rewriter } from './rewrites.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'

/**
 * Returns the representation as JSON text, or undefined for an object that cannot be represented.
 * It throws NestedTooDeep.
 */
type Represent = (entity: JsonObject) => string | undefined

export interface RepresentationWriter {
  readonly write: Represent
  /**
   * Returns the scalar fields that make the representations of this entity's type, one list for each
   * type; undefined when there is more to them. Entities that have the same there are represented
   * alike.
   */
  fieldsOf(entity: JsonObject): readonly string[] | undefined
}

interface TypeWriter {
  readonly write: Represent
  readonly fields?: readonly string[]
}

type Gather = (source: JsonObject) => JsonObject | undefined

export interface RepresentationRules {
  readonly isOfType: IsOfType
  readonly rewrites?: readonly FetchDataRewrite[] | undefined
  /** A representation must contain one of these keys completely; undefined if it always does. */
  readonly keys?: readonly (readonly string[])[] | undefined
  /** A field: entities that have it already are left out. */
  readonly unless?: string | undefined
}

/**
 * Returns the function for a fetch.
 *
 * @param requires the fields of a representation, by type
 */
export function representationWriter(
  requires: readonly QueryPlanSelectionNode[],
  { isOfType, rewrites, keys, unless }: RepresentationRules,
): RepresentationWriter {
  const gather = gatherer(requires, isOfType)
  const rewrite = rewriter(rewrites, isOfType)
  const byTypename = new Map<unknown, TypeWriter>()

  return {
    write: (entity) => writerFor(entity).write(entity),
    fieldsOf: (entity) => writerFor(entity).fields,
  }

  function writerFor(entity: JsonObject): TypeWriter {
    const typename = entity['__typename']
    const known = byTypename.get(typename)
    if (known) return known
    const writer = (keys || unless ? undefined : flatWriter(typename)) ?? { write: writeGathered }
    // What a subgraph may invent is not kept.
    if (byTypename.size < mostTypenames) byTypename.set(typename, writer)
    return writer
  }

  function writeGathered(entity: JsonObject): string | undefined {
    if (unless !== undefined && entity[unless] !== undefined) return undefined
    const representation = gather(entity)
    if (!representation?.['__typename']) return undefined
    if (keys && !keys.some((key) => key.every((name) => name in representation))) return undefined
    rewrite?.(representation)
    return boundedJson(representation)
  }

  /** The usual case, as a fast path: one type condition fits, and its fields are scalars. */
  function flatWriter(typename: unknown): TypeWriter | undefined {
    if (typeof typename !== 'string') return undefined
    const fitting = requires.filter(
      (one) => one.kind === 'Field' || isOfType(typename, one.typeCondition ?? typename),
    )
    const [fragment] = fitting
    if (fitting.length !== 1 || fragment?.kind !== 'InlineFragment') return undefined
    const names = fragment.selections.flatMap((one) =>
      one.kind === 'Field' && !one.selections && !one.alias ? [one.name] : [],
    )
    if (names.length !== fragment.selections.length || names[0] !== '__typename') return undefined
    const written = typenameAfter(rewrites, typename, isOfType)
    if (written === undefined) return undefined
    const head = `{"__typename":${JSON.stringify(written)}`
    const fields = names.slice(1).map((name) => ({ name, prefix: `,${JSON.stringify(name)}:` }))
    const write = (entity: JsonObject) => {
      let text = head
      for (let index = 0; index < fields.length; index++) {
        const { name, prefix } = fields[index]!
        const value = entity[name]
        if (value === undefined) return undefined
        text += prefix + (typeof value === 'string' ? jsonString(value) : boundedJson(value))
      }
      return text + '}'
    }
    return { write, fields: names.slice(1) }
  }
}

/** The most types for which a writer is kept. */
const mostTypenames = 100

/** Returns the `__typename` after rewrites of nothing else; undefined when they rewrite more. */
function typenameAfter(
  rewrites: readonly FetchDataRewrite[] | undefined,
  typename: string,
  isOfType: IsOfType,
): string | undefined {
  let written: unknown = typename
  for (const rewrite of rewrites ?? []) {
    const [condition, field, ...more] = rewrite.path
    const isOfTypename = field === '__typename' && more.length === 0
    if (rewrite.kind !== 'ValueSetter' || !isOfTypename) return undefined
    if (isOfType(typename, condition!.replace('... on ', ''))) written = rewrite.setValueTo
  }
  return String(written)
}

/** A missing field, unlike a null one, means that the object cannot be represented. */
function gatherer(selections: readonly QueryPlanSelectionNode[], isOfType: IsOfType): Gather {
  const steps = selections.map((selection) =>
    selection.kind === 'Field' ? fieldStep(selection, isOfType) : fragmentStep(selection, isOfType),
  )
  return (source) => {
    const result: JsonObject = {}
    for (const step of steps) if (!step(source, result)) return undefined
    return result
  }
}

type Step = (source: JsonObject, result: JsonObject) => boolean

function fieldStep(
  field: Extract<QueryPlanSelectionNode, { kind: 'Field' }>,
  isOfType: IsOfType,
): Step {
  const name = field.alias ?? field.name
  const gather = field.selections && gatherer(field.selections, isOfType)
  return (source, result) => {
    const value = source[name]
    if (value === undefined) return false
    result[name] = gather ? gatherValue(value, gather, deepestNesting) : value
    return true
  }
}

function gatherValue(value: unknown, gather: Gather, levels: number): unknown {
  if (Array.isArray(value)) {
    if (levels === 0) throw new NestedTooDeep()
    return value.map((element) => gatherValue(element, gather, levels - 1))
  }
  return isObject(value) ? (gather(value) ?? null) : null
}

/** Fields under a type condition are optional: the object may be represented by another one. */
function fragmentStep(
  fragment: Extract<QueryPlanSelectionNode, { kind: 'InlineFragment' }>,
  isOfType: IsOfType,
): Step {
  const { typeCondition } = fragment
  const gather = gatherer(fragment.selections, isOfType)
  return (source, result) => {
    const typename = source['__typename']
    if (
      typeCondition === undefined ||
      (typeof typename === 'string' && isOfType(typename, typeCondition))
    ) {
      const gathered = gather(source)
      if (gathered) mergeRepresentation(result, gathered)
    }
    return true
  }
}

function mergeRepresentation(result: JsonObject, gathered: JsonObject): void {
  for (const [name, value] of Object.entries(gathered)) {
    const before = result[name]
    if (before === value) continue
    if (isObject(before) && isObject(value)) mergeRepresentation(before, value)
    else if (Array.isArray(before) && Array.isArray(value) && before.length === value.length) {
      before.forEach((element, index) => {
        const other: unknown = value[index]
        if (element === other) return
        if (isObject(element) && isObject(other)) mergeRepresentation(element, other)
        else before[index] = other
      })
    } else result[name] = value
  }
}
