/** Representations: what tells a subgraph which entity is meant, and what its fields require. */
import type { QueryPlanSelectionNode } from '@apollo/query-planner'
import { isObject } from './response-data.ts'
import type { JsonObject } from './response-data.ts'
import type { IsOfType } from './type-relations.ts'

/** Returns the representation as JSON text, or undefined for an object that cannot be represented. */
export type Represent = (entity: JsonObject) => string | undefined

type Gather = (source: JsonObject) => JsonObject | undefined

export interface RepresentationRules {
  readonly isOfType: IsOfType
  /** Applied to each representation before it becomes text. */
  readonly rewrite: ((representation: JsonObject) => void) | undefined
  /** Keys of which a representation has to hold one whole; undefined when it always does. */
  readonly keys: readonly (readonly string[])[] | undefined
}

/**
 * Returns the function for a fetch.
 *
 * @param requires the fields of a representation, by type
 */
export function representationWriter(
  requires: readonly QueryPlanSelectionNode[],
  { isOfType, rewrite, keys }: RepresentationRules,
): Represent {
  const gather = gatherer(requires, isOfType)
  return (entity) => {
    const representation = gather(entity)
    if (!representation?.['__typename']) return undefined
    if (keys && !keys.some((key) => key.every((name) => name in representation))) return undefined
    rewrite?.(representation)
    return JSON.stringify(representation)
  }
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
    result[name] = gather ? gatherValue(value, gather) : value
    return true
  }
}

function gatherValue(value: unknown, gather: Gather): unknown {
  if (Array.isArray(value)) return value.map((element) => gatherValue(element, gather))
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
    if (isObject(before) && isObject(value)) mergeRepresentation(before, value)
    else if (Array.isArray(before) && Array.isArray(value) && before.length === value.length) {
      before.forEach((element, index) => {
        const other: unknown = value[index]
        if (isObject(element) && isObject(other)) mergeRepresentation(element, other)
        else before[index] = other
      })
    } else result[name] = value
  }
}
