/** Representations: they identify an entity for a subgraph, and contain the fields that it requires. */
import type { FetchDataRewrite, QueryPlanSelectionNode } from '@apollo/query-planner'
import type { IsOfType } from '../graphql/type-conditions.ts'
import { absent, irregular, isList, isRecord } from './fetched-data.ts'
import type { FetchedData } from './fetched-data.ts'
import { jsonOf, rewriteOf } from './gathered-value.ts'
import type { Gathered, GatheredObject } from './gathered-value.ts'
import { closeBrace, depthOf } from '../values/json-bytes.ts'
import { deepestNesting, NestedTooDeep } from './nesting.ts'
import type { Place } from './places.ts'
import type { ResponseOutput } from './response-output.ts'
import type { TypeNames } from './type-names.ts'
import { Word } from '../values/word.ts'

/**
 * Writes the representation of a record and returns true; false if it cannot be represented. With `hasFailed`, missing
 * data may have failed to arrive: no field may be computed without it.
 */
export type Represent = (
  data: FetchedData,
  record: number,
  output: ResponseOutput,
  hasFailed: boolean,
) => boolean

export interface RepresentationRules {
  readonly types: TypeNames
  readonly isOfType: IsOfType
  readonly rewrites?: readonly FetchDataRewrite[] | undefined
  /** A representation must contain one of these keys completely; undefined if it always does. */
  readonly keys?: readonly (readonly string[])[] | undefined
  /** The names of what the fetched fields require; undefined if each representation has all of it. */
  readonly inputs?: readonly string[] | undefined
}

/**
 * Returns the function for a fetch.
 *
 * @param requires the fields of a representation, by type
 * @param place that of the entities
 */
export function representationWriter(
  requires: readonly QueryPlanSelectionNode[],
  place: Place,
  { types, isOfType, rewrites, keys, inputs = [] }: RepresentationRules,
): Represent {
  const gather = gatherer(requires, place, types, isOfType, new Set(inputs))
  const changes = (rewrites ?? []).map((one) => rewriteOf(one, isOfType))
  const byType = new Map<number, Represent>()

  return (data, record, output, hasFailed) => {
    const type = data.tape[record]!
    let represent = byType.get(type)
    if (!represent) {
      represent = (keys ? undefined : flatWriter(types.names[type])) ?? writeGathered
      byType.set(type, represent)
    }
    return represent(data, record, output, hasFailed)
  }

  function writeGathered(
    data: FetchedData,
    record: number,
    output: ResponseOutput,
    hasFailed: boolean,
  ): boolean {
    const representation = gather(data, record, hasFailed)
    if (!isTyped(representation)) return false
    if (keys && !keys.some((key) => key.every((name) => representation.has(name)))) return false
    for (const change of changes) change(representation)
    output.writeText(jsonOf(representation))
    return true
  }

  /** The usual case, as a fast path: one type condition fits, and its fields are leaves. */
  function flatWriter(typename: string | undefined): Represent | undefined {
    if (typename === undefined) return undefined
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
    const head = new Word(`{"__typename":${JSON.stringify(written)}`)
    const fields = names.slice(1).map((name) => ({
      slot: place.slot(name).index,
      prefix: new Word(`,${JSON.stringify(name)}:`),
    }))
    return (data, record, output) => {
      output.write(head)
      for (let index = 0; index < fields.length; index++) {
        const { slot, prefix } = fields[index]!
        output.write(prefix)
        if (!writeLeaf(data, data.slotAt(record, slot), output)) return false
      }
      output.writeByte(closeBrace)
      return true
    }
  }
}

function writeLeaf(data: FetchedData, slot: number, output: ResponseOutput): boolean {
  const first = data.tape[slot]!
  if (first >= 0) output.writeFetched(first, data.tape[slot + 1]!)
  else {
    const gathered = gatherLeaf(data, slot)
    if (gathered === undefined) return false
    output.writeText(jsonOf(gathered))
  }
  return true
}

function isTyped(representation: GatheredObject | undefined): representation is GatheredObject {
  const typename = representation?.get('__typename')
  return typename !== undefined && typename !== 'null' && typename !== '""'
}

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

/**
 * A missing field, unlike a null one, means that the object cannot be represented. An object inside of the entity is
 * null then; once something has failed, the entity cannot be represented either.
 */
type Gather = (data: FetchedData, record: number, hasFailed: boolean) => GatheredObject | undefined

type GatherStep = (
  data: FetchedData,
  record: number,
  result: GatheredObject,
  hasFailed: boolean,
) => boolean

/** @param inputs the names of what is required; undefined for everything */
function gatherer(
  selections: readonly QueryPlanSelectionNode[],
  place: Place,
  types: TypeNames,
  isOfType: IsOfType,
  inputs?: ReadonlySet<string>,
): Gather {
  const steps = selections.map((selection) =>
    selection.kind === 'Field' ? fieldStep(selection) : fragmentStep(selection),
  )
  return (data, record, hasFailed) => {
    const result: GatheredObject = new Map()
    for (const step of steps) if (!step(data, record, result, hasFailed)) return undefined
    return result
  }

  function fieldStep(field: Extract<QueryPlanSelectionNode, { kind: 'Field' }>): GatherStep {
    const name = field.alias ?? field.name
    const slot = place.slot(name).index
    const gather =
      field.selections && gatherer(field.selections, place.below(name), types, isOfType)
    return (data, record, result, hasFailed) => {
      const at = data.slotAt(record, slot)
      const value = gather ? gatherObjects(data, at, gather, hasFailed) : gatherLeaf(data, at)
      if (value === undefined) return false
      result.set(name, value)
      return true
    }
  }

  /** Fields under a type condition are optional: the object may be represented by another one. Inputs are not. */
  function fragmentStep(
    fragment: Extract<QueryPlanSelectionNode, { kind: 'InlineFragment' }>,
  ): GatherStep {
    const { typeCondition } = fragment
    const gather = gatherer(fragment.selections, place, types, isOfType, inputs)
    const isInput = !inputs || hasAnyOf(inputs, fragment.selections)
    return (data, record, result, hasFailed) => {
      const typename = types.names[data.tape[record]!]
      if (
        typeCondition === undefined ||
        (typename !== undefined && isOfType(typename, typeCondition))
      ) {
        const gathered = gather(data, record, hasFailed)
        if (gathered) mergeGathered(result, gathered)
        else if (isInput && hasFailed) return false
      }
      return true
    }
  }
}

/** Returns whether one of the names is selected, also by fragments. */
function hasAnyOf(
  names: ReadonlySet<string>,
  selections: readonly QueryPlanSelectionNode[],
): boolean {
  return selections.some((one) =>
    one.kind === 'Field' ? names.has(one.alias ?? one.name) : hasAnyOf(names, one.selections),
  )
}

/** Returns the value of a leaf; undefined if it has not been fetched. Throws NestedTooDeep. */
export function gatherLeaf(data: FetchedData, slot: number): Gathered | undefined {
  const first = data.tape[slot]!
  if (first === absent) return undefined
  if (first === isList) {
    const list = data.tape[slot + 1]!
    return Array.from(
      { length: data.tape[list]! },
      (_, index) => gatherLeaf(data, list + 1 + 2 * index) ?? 'null',
    )
  }
  const text = data.textAt(slot) ?? 'null'
  if (first <= irregular && depthOf(text) > deepestNesting) throw new NestedTooDeep()
  return text
}

function gatherObjects(
  data: FetchedData,
  slot: number,
  gather: Gather,
  hasFailed: boolean,
): Gathered | undefined {
  const { tape } = data
  const otherwise = hasFailed ? undefined : 'null'
  switch (tape[slot]) {
    case absent:
      return undefined
    case isRecord:
      return gather(data, tape[slot + 1]!, hasFailed) ?? otherwise
    case isList: {
      const list = tape[slot + 1]!
      const elements: Gathered[] = []
      for (let index = 0; index < tape[list]!; index++) {
        const element = gatherObjects(data, list + 1 + 2 * index, gather, hasFailed) ?? otherwise
        if (element === undefined) return undefined
        elements.push(element)
      }
      return elements
    }
    default:
      return 'null'
  }
}

function mergeGathered(result: GatheredObject, gathered: GatheredObject): void {
  for (const [name, value] of gathered) {
    const before = result.get(name)
    if (before instanceof Map && value instanceof Map) mergeGathered(before, value)
    else if (Array.isArray(before) && Array.isArray(value) && before.length === value.length) {
      before.forEach((element: Gathered, index) => {
        const other = (value as readonly Gathered[])[index]!
        if (element instanceof Map && other instanceof Map) mergeGathered(element, other)
        else (before as Gathered[])[index] = other
      })
    } else result.set(name, value)
  }
}
