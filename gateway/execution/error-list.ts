/** A bounded list of errors: a subgraph can report any number, for any number of positions. */

/** The most errors that are listed. */
export const mostErrors = 1_000

/** A list of errors that does not grow beyond its bound. */
export interface ErrorList<Of extends { readonly message: string }> {
  /** Adds an error; beyond the bound it is only counted. */
  add(make: () => Of): void
  /** Adds an error for each of the items. */
  addEach<Item>(items: readonly Item[], make: (item: Item) => Of): void
  isEmpty(): boolean
  /** Returns the errors; the last one says how many are not listed. */
  listed(): readonly Of[]
}

/** Returns an empty list. */
export function errorList<Of extends { readonly message: string }>(): ErrorList<Of> {
  const errors: Of[] = []
  let unlisted = 0
  return {
    add(make) {
      if (errors.length < mostErrors) errors.push(make())
      else unlisted++
    },
    addEach(items, make) {
      const room = Math.min(items.length, mostErrors - errors.length)
      for (let index = 0; index < room; index++) errors.push(make(items[index]!))
      unlisted += items.length - room
    },
    isEmpty: () => errors.length === 0,
    listed: () => abridged(errors, unlisted),
  }
}

/** Returns the errors; the last one says how many more there were. */
export function abridged<Of extends { readonly message: string }>(
  errors: readonly Of[],
  unlisted: number,
): readonly Of[] {
  const last = errors.at(-1)
  if (!last || unlisted === 0) return errors
  const message = `${last.message} (${unlisted} more errors are not listed: at most ${mostErrors} are)`
  return [...errors.slice(0, -1), { ...last, message }]
}
