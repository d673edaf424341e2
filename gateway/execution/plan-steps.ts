/** What a compiled plan is made of. */
import type { ReadContext } from './context-arguments.ts'
import type { RepresentationWriter } from './representations.ts'
import type { DataPath, JsonObject } from './response-data.ts'

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
  /** Where the objects are that this fetch adds to: always the same for a plan. */
  readonly path: DataPath
  /** The path as text. */
  readonly place: string
  /** For a fetch of entities. */
  readonly represent: RepresentationWriter | undefined
  /** For fields with `@fromContext`: their arguments, read from above the entity. */
  readonly readContext: ReadContext | undefined
  readonly rewriteAnswer: ((data: JsonObject) => void) | undefined
  /** Names given by the planner -> names of the operation. */
  readonly renamed: ReadonlyMap<string, string>
}

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
