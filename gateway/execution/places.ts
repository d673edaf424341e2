/**
 * The places of a plan's data: one for all objects under the same response keys from the root, whatever
 * list they are in. Each field that some fetch brings for the place has its slot in their records.
 */

import type { QueryPlanSelectionNode } from '@apollo/query-planner'
import { Kind } from 'graphql'
import type { SelectionSetNode } from 'graphql'
import { remembered } from '../values/remembered.ts'
import { lengthOfRecord, slotIndex } from './slot-index.ts'

/** A place in the fetched data. */
export class Place {
  readonly slots = new Map<string, PlaceSlot>()
  /** The same, in order: quicker to go through. */
  readonly list: PlaceSlot[] = []
  /** How many integers a record has. */
  length = lengthOfRecord(0)
  /** Whether its objects become records; a place that nothing is added to may stay text. */
  isOpen = false
  /** Whether fields of its objects are fetched by their keys: equal objects may become one record. */
  hasEntities = false

  /** Returns the slot of a response key; the first time, it is made. */
  slot(key: string): PlaceSlot {
    const known = this.slots.get(key)
    if (known) return known
    const slot: PlaceSlot = { key, index: slotIndex(this.slots.size), below: undefined, sources: 0 }
    this.slots.set(key, slot)
    this.list.push(slot)
    this.length = lengthOfRecord(this.slots.size)
    return slot
  }

  /** Returns the place of the objects of a field; the first time, it is made. */
  below(key: string): Place {
    const slot = this.slot(key)
    return (slot.below ??= new Place())
  }
}

/** A field of a place. */
export interface PlaceSlot {
  readonly key: string
  /** Where the slot is in a record: see slot-index.ts. */
  readonly index: number
  /** The place of its objects, if it has some. */
  below: Place | undefined
  /** How many fields bring it: each fetch may have one, and one more for each alias. */
  sources: number
}

/** Returns the place at a path; `@`, each element of a list, is no step to another place. */
export function placeAt(root: Place, path: readonly string[]): Place {
  let place = root
  for (const key of path) if (key !== '@') place = place.below(key)
  return place
}

/** Opens the places on a path: something is added to their objects. */
export function openPath(root: Place, path: readonly string[]): void {
  root.isOpen = true
  let place = root
  for (const key of path) {
    if (key === '@') continue
    place = place.below(key)
    place.isOpen = true
  }
}

/**
 * Adds what a fetch selects of the objects of a place; opens what another field has brought as well: one of
 * another fetch, or one of this fetch that the planner has given an alias.
 */
export function addSelection(
  place: Place,
  selection: SelectionSetNode,
  renamed: ReadonlyMap<string, string>,
): void {
  add(place, selection, new Map())

  function add(to: Place, { selections }: SelectionSetNode, added: ResponseKeys): void {
    for (const one of selections) {
      if (one.kind === Kind.INLINE_FRAGMENT) add(to, one.selectionSet, added)
      if (one.kind !== Kind.FIELD) continue
      const key = (one.alias ?? one.name).value
      const own = renamed.get(key) ?? key
      const slot = to.slot(own)
      if (!added.has(key)) slot.sources++
      const addedBelow = remembered(added, key, (): ResponseKeys => new Map())
      if (!one.selectionSet) continue
      const below = to.below(own)
      if (slot.sources > 1) below.isOpen = true
      add(below, one.selectionSet, addedBelow)
    }
  }
}

/** The response keys of a fetch's selection that have been added, and those below each. */
interface ResponseKeys extends Map<string, ResponseKeys> {}

/** Adds what representations contain; opens the places from which they take something. */
export function openRequired(place: Place, required: readonly QueryPlanSelectionNode[]): void {
  for (const one of required) {
    if (one.kind === 'InlineFragment') openRequired(place, one.selections)
    else if (one.selections) {
      const below = place.below(one.alias ?? one.name)
      below.isOpen = true
      openRequired(below, one.selections)
    } else place.slot(one.alias ?? one.name)
  }
}
