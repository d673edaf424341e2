/** The types of objects, by the index that records have. */
import type { GraphQLSchema } from 'graphql'
import { unknownType } from './fetched-data.ts'
import type { Scan } from './accepted-text.ts'
import { Word } from '../values/word.ts'

/** The names of the types of one schema version, also those that clients do not see. */
export class TypeNames {
  readonly names: readonly string[]
  readonly #indexes: ReadonlyMap<string, number>
  readonly #words: readonly Word[]

  constructor(names: readonly string[]) {
    this.names = names
    this.#indexes = new Map(names.map((name, index) => [name, index]))
    this.#words = names.map((name) => new Word(JSON.stringify(name)))
  }

  /** Returns the index of a name; -1 if no type has it. */
  indexOf(name: string): number {
    return this.#indexes.get(name) ?? unknownType
  }

  /**
   * Returns the index for a string from `from` to the position, quotes included.
   *
   * @param likely an index that is tried first
   */
  indexOfText({ bytes, view, at }: Scan, from: number, likely = 0): number {
    if (this.#words[likely]?.endIn(view, from) === at) return likely
    return this.indexOf(nameOf(Buffer.prototype.latin1Slice.call(bytes, from, at)))
  }
}

/** Returns the name in the text of a string, which may have escapes; quotes included. */
export function nameOf(text: string): string {
  return text.includes('\\') ? (JSON.parse(text) as string) : text.slice(1, -1)
}

/**
 * Returns the names of the types of a schema.
 *
 * @param members by interface or union, the types that belong to it, those included that clients do not see
 */
export function typeNames(
  schema: GraphQLSchema,
  members: ReadonlyMap<string, ReadonlySet<string>>,
): TypeNames {
  const hidden = [...members].flatMap(([name, own]) => [name, ...own])
  return new TypeNames([...new Set([...Object.keys(schema.getTypeMap()), ...hidden])])
}
