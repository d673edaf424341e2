/** What a client selects of the objects of a place in the fetched data, for one shape of its response. */
import { getNamedType, isCompositeType, isObjectType } from 'graphql'
import type { FieldNode, GraphQLCompositeType, GraphQLSchema } from 'graphql'
import { fieldOf, withPossibleTypes } from '../graphql/composite-types.ts'
import type { CollectedField, ResponseShape } from '../graphql/response-shape.ts'
import { typeConditionApplies } from '../graphql/type-conditions.ts'

export interface ClientSelectionParts {
  readonly schema: GraphQLSchema
  readonly shape: ResponseShape
  /** Returns the name of a client's field in the fetched data. */
  readonly fetchedAs: (field: FieldNode) => string
}

type Fields = readonly CollectedField<unknown>[]

/** A field that is selected of all objects of a place alike. */
interface SelectedField {
  readonly parent: GraphQLCompositeType
  readonly fields: Fields
}

const noFields: ReadonlyMap<string, Fields> = new Map()

/** The selection of one place. */
export class ClientSelection {
  readonly type: GraphQLCompositeType
  readonly #parts: ClientSelectionParts
  readonly #sets: readonly unknown[]
  /** By the name in the fetched data; null where it depends on the type of the object. */
  #selected: ReadonlyMap<string, SelectedField | null> | undefined
  #fields = noFields

  constructor(parts: ClientSelectionParts, type: GraphQLCompositeType, sets: readonly unknown[]) {
    this.#parts = parts
    this.type = type
    this.#sets = sets
  }

  /** The fields by response name, in their order; none for an interface or a union. */
  get fields(): ReadonlyMap<string, Fields> {
    this.#selected ??= this.#collect()
    return this.#fields
  }

  /** Returns what is selected below a field, if that is the same for all objects of the place. */
  below(key: string): ClientSelection | undefined {
    this.#selected ??= this.#collect()
    const selected = this.#selected.get(key)
    if (!selected) return undefined
    const { parent, fields } = selected
    const type = fieldOf(parent, fields[0]!.node.name.value)?.type
    const named = type && getNamedType(type)
    if (!isCompositeType(named)) return undefined
    const sets = fields.flatMap(({ selections }) => (selections === undefined ? [] : [selections]))
    return new ClientSelection(this.#parts, named, sets)
  }

  #collect(): ReadonlyMap<string, SelectedField | null> {
    const { schema, shape, fetchedAs } = this.#parts
    const selected = new Map<string, SelectedField | null>()
    const types = withPossibleTypes(schema, this.type).filter(isObjectType)
    if (types.length > mostTypes) return selected
    for (const parent of types) {
      const applies = (name: string | undefined) => typeConditionApplies(schema, name, parent)
      const collected = shape.collect(this.#sets, applies)
      if (parent === this.type) this.#fields = collected
      for (const fields of collected.values()) {
        for (const key of new Set(fields.map(({ node }) => fetchedAs(node)))) {
          const known = selected.get(key)
          if (known === undefined) selected.set(key, { parent, fields })
          else if (known && !areSame(known.fields, fields)) selected.set(key, null)
        }
      }
    }
    return selected
  }
}

/** A selection is not compared for more types than this. */
export const mostTypes = 20

function areSame(some: Fields, others: Fields): boolean {
  return (
    some.length === others.length &&
    some.every(({ node, denied }, index) => {
      const other = others[index]!
      return node === other.node && (denied === undefined) === (other.denied === undefined)
    })
  )
}
