/** Tells whether an object with this `__typename` fits a type condition. */
export type IsOfType = (typename: string, condition: string) => boolean

/**
 * Returns the relation of a supergraph's types. An object type of which it knows nothing fits only
 * itself.
 *
 * @param members by interface or union, the types that belong to it
 */
export function typeRelation(members: ReadonlyMap<string, ReadonlySet<string>>): IsOfType {
  return (typename, condition) =>
    typename === condition || members.get(condition)?.has(typename) === true
}
