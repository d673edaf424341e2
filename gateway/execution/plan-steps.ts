/** The steps of a compiled plan. */
import type { ReadContext } from './context-arguments.ts'
import type { DataPath, Route } from './data-path.ts'
import type { Place } from './places.ts'
import type { Represent } from './representations.ts'
import type { QueryPlanSelectionNode } from '@apollo/query-planner'
import type { SelectionSetNode } from 'graphql'

/** A request to a subgraph. */
export interface FetchStep {
  readonly kind: 'fetch'
  /** The fetch's number in its plan. */
  readonly id: number
  readonly subgraph: string
  readonly operationKind: 'query' | 'mutation' | 'subscription'
  /** The operation's text. */
  readonly operation: string
  /** The request's JSON text, up to the first variable. */
  readonly head: string
  readonly variables: readonly string[]
  /** The path of the objects that this fetch adds to. */
  readonly path: DataPath
  /** The path as text. */
  readonly place: string
  readonly route: Route
  /** The place of the objects that this fetch adds to. */
  readonly placeOfObjects: Place
  /** What it selects of them. */
  readonly selection: SelectionSetNode
  /** Whether it selects objects: there may be more entities in them. */
  readonly bringsObjects: boolean
  /** Writes the representations of a fetch of entities; undefined for one of root fields. */
  readonly represent: Represent | undefined
  /** The fields of the representations, by type: `represent` writes them. */
  readonly requires: readonly QueryPlanSelectionNode[] | undefined
  /** Reads the arguments of fields with `@fromContext` from above the entity. */
  readonly readContext: ReadContext | undefined
  /** Names given by the planner -> names of the operation. */
  readonly renamed: ReadonlyMap<string, string>
  /** Whether it fetches entities and may leave in one request with its siblings. */
  readonly mayBatch: boolean
}

/** A step of a plan. */
export type Step =
  | FetchStep
  | { readonly kind: 'sequence'; readonly steps: readonly Step[] }
  | { readonly kind: 'parallel'; readonly steps: readonly Step[] }
  | {
      readonly kind: 'condition'
      readonly variable: string
      readonly then: Step | undefined
      readonly otherwise: Step | undefined
    }
