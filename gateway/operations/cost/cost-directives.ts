/** What `@cost` and `@listSize` of a supergraph say (the cost specification v0.1). */

/** `@listSize` of a field. */
export interface ListSize {
  readonly assumedSize: number | undefined
  /** Paths to arguments: `['input', 'first']`. */
  readonly slicingArguments: readonly (readonly string[])[]
  /** The fields of the returned object whose lists have this length. */
  readonly sizedFields: SizedFields | undefined
  readonly requireOneSlicingArgument: boolean
}

/** Fields whose lists have the length, or that have such fields. */
export interface SizedFields extends ReadonlyMap<string, SizedFields | 'list'> {}

/** What is said of a field. */
export interface FieldDirectives {
  readonly weight: number | undefined
  readonly listSize: ListSize | undefined
  /** The weights of its arguments. */
  readonly arguments: ReadonlyMap<string, number>
}

/** What a supergraph says of costs; an element without a directive is in none of these. */
export interface CostDirectives {
  /** The weights of object types, enums and scalars. */
  readonly types: ReadonlyMap<string, number>
  /** By coordinate: `Query.books`. */
  readonly fields: ReadonlyMap<string, FieldDirectives>
  /** The weights of the fields of input types, by coordinate. */
  readonly inputFields: ReadonlyMap<string, number>
  /** Whether a weight is negative. */
  readonly hasNegative: boolean
}
