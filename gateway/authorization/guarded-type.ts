/** The types of a supergraph with their requirements. */
import type { Guard } from './guard-directives.ts'

/** The kinds of types that can be guarded. */
export type TypeKind = 'object' | 'interface' | 'union' | 'scalar' | 'enum'

/** Numbers of guards, ascending: all of them have to be met. */
export type Requirement = readonly number[]

/** A type or a field with its directives. */
export interface GuardedElement {
  /** `User` or `User.email`. */
  readonly coordinate: string
  readonly guards: readonly Guard[]
  /** The guards of its interfaces that apply to it, too. */
  readonly inherited: readonly InheritedGuard[]
  /** Whether it is marked `@public`. */
  readonly public: boolean
  /** The subgraphs that have it, by their names in supergraph.yaml. */
  readonly subgraphs: readonly string[]
}

/** A guard of an interface that applies to an implementation. */
export interface InheritedGuard {
  readonly guard: Guard
  /** The interface, or the field on it, that has the directive. */
  readonly at: GuardedElement
}

/** A type with its requirements. */
export interface GuardedType extends GuardedElement {
  readonly name: string
  readonly kind: TypeKind
  readonly fields: ReadonlyMap<string, GuardedField>
  readonly interfaces: readonly string[]
  /** The requirements of the type, own and inherited. */
  readonly requirement: Requirement
}

/** A field with its requirements. */
export interface GuardedField extends GuardedElement {
  readonly name: string
  readonly namedType: string
  /**
   * The field sets of `@requires` and `@fromContext`, each with the types on which they are selected:
   * the subgraph sees them whenever it resolves this field.
   */
  readonly requires: readonly { readonly typeNames: readonly string[]; readonly fieldSet: string }[]
  /** Whether it comes from a subgraph that has only the interface, as an @interfaceObject. */
  readonly fromInterfaceObject: boolean
}
