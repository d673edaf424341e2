/** The shape of a response: the collected fields of an operation, including the denied ones. */
import type { DocumentNode, FieldNode, SelectionSetNode } from 'graphql'
import { collectApplying } from './collect-fields.ts'
import type { Inclusion } from './collect-fields.ts'
import type { ResponsePath } from './response-error.ts'

/** A field of the operation, as CollectFields finds it (GraphQL, section 6.3.2). */
export interface CollectedField<Selections> {
  readonly node: FieldNode
  readonly selections: Selections | undefined
  /** The guards that are required, if the caller may not see the field: it is null, and an error says so. */
  readonly denied?: readonly number[] | undefined
}

/** Returns whether a type condition applies to the object whose fields are collected. */
export type Applies = (typeCondition: string | undefined) => boolean

/**
 * The selections of an operation for one caller, with `@skip` and `@include` decided. What a selection
 * set is, only the shape knows.
 */
export interface ResponseShape<Selections = unknown> {
  readonly root: Selections
  /** Returns the fields of these selection sets by response name, in order. */
  collect(
    sets: readonly Selections[],
    applies: Applies,
  ): ReadonlyMap<string, readonly CollectedField<Selections>[]>
}

/** A shape that requests share: what is made of it may be kept, and keeps its document alive. */
export interface SharedShape<Selections = unknown> extends ResponseShape<Selections> {
  readonly document: DocumentNode
}

/** Returns the value of an introspection field, of all its nodes in one selection set. */
export type Introspect = (nodes: readonly FieldNode[]) => unknown

/** A field that is null because it is denied, at one place in a response. */
export interface DeniedField {
  readonly path: ResponsePath
  readonly fields: readonly CollectedField<unknown>[]
}

/** Returns the shape of the response to a complete operation. */
export function completeShape(
  inclusion: Inclusion,
  root: SelectionSetNode,
): ResponseShape<SelectionSetNode> {
  return {
    root,
    collect(sets, applies) {
      const fields = collectApplying(inclusion, applies, sets)
      return new Map([...fields].map(([key, nodes]) => [key, nodes.map(allowed)]))
    },
  }
}

function allowed(node: FieldNode): CollectedField<SelectionSetNode> {
  return { node, selections: node.selectionSet }
}
