/** How the responses to an operation are read and written, for one shape of the client's response. */
import type { FieldNode, GraphQLObjectType, GraphQLSchema } from 'graphql'
import { LRUCache } from 'lru-cache'
import type { ResponseShape } from '../graphql/response-shape.ts'
import type { IsOfType } from '../graphql/type-conditions.ts'
import { remembered } from '../values/remembered.ts'
import type { CompiledPlan } from './compile-plan.ts'
import { ClientSelection } from './client-selection.ts'
import { readObject } from './compile-readers.ts'
import type { FetchStep } from './plan-steps.ts'
import { Place } from './places.ts'
import { objectToRead } from './response-reader.ts'
import type { ReadObject } from './response-reader.ts'
import { responseWriter } from './response-writer.ts'
import type { ResponseWriter } from './response-writer.ts'
import type { TypeNames } from './type-names.ts'
import { Word } from '../values/word.ts'

export interface FormParts {
  /** The schema that clients see. */
  readonly schema: GraphQLSchema
  readonly types: TypeNames
  readonly rootType: GraphQLObjectType
  readonly plan: CompiledPlan
  readonly shape: ResponseShape
  readonly isOfType: IsOfType
  /** Returns the name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

/** The name of a list of entities, and the fetch that brings it. */
export type NamedFetch = readonly [name: string, step: FetchStep]

/** A plan has few combinations of fetches that leave together. */
const mostCombinations = 64

/** The form of a response. */
export interface ResponseForm {
  readonly writer: ResponseWriter
  /** Returns how the data of a fetch of root fields is read. */
  rootOf(step: FetchStep): ReadObject
  /** Returns how data is read that has, under each of these names, a list of the entities of a fetch. */
  entitiesOf(named: readonly NamedFetch[]): ReadObject
}

/** Returns the form. Readers are compiled when they are first used. */
export function responseForm(parts: FormParts): ResponseForm {
  const { rootType, plan, shape } = parts
  const objects = new Map<FetchStep, ReadObject>()
  const lists = new LRUCache<string, ReadObject>({ max: mostCombinations })
  return {
    writer: responseWriter({ ...parts, root: plan.place }),
    rootOf: objectsOf,
    entitiesOf(named) {
      let key = ''
      for (const [name, { id }] of named) key += `${name} ${id} `
      return remembered(lists, key, () => listsOf(named))
    },
  }

  function objectsOf(step: FetchStep): ReadObject {
    return remembered(objects, step, compile)
  }

  function listsOf(named: readonly NamedFetch[]): ReadObject {
    const place = new Place()
    const fields = named.map(([key, step]) => ({
      key,
      name: new Word(`${JSON.stringify(key)}:`),
      slot: place.slot(key).index,
      accepts: undefined,
      object: objectsOf(step),
    }))
    return objectToRead(place, fields)
  }

  function compile({ placeOfObjects: place, path, selection: set, renamed, represent }: FetchStep) {
    const client = path.reduce<ClientSelection | undefined>(
      (above, key) => (key === '@' ? above : above?.below(key)),
      new ClientSelection(parts, rootType, [shape.root]),
    )
    const selected = [{ set, parents: represent ? [] : [rootType] }]
    return readObject(parts, { place, parts: selected, client }, (key) => renamed.get(key) ?? key)
  }
}
