/** The input and output of the composition thread. */
export interface SubgraphToCompose {
  readonly name: string
  readonly url: string
  readonly sdl: string
}

/** A position in the SDL of a subgraph. */
export interface SourcePosition {
  readonly subgraph: string
  readonly line?: number
  readonly column?: number
}

export interface ComposedProblem {
  readonly code: string
  readonly message: string
  readonly positions: readonly SourcePosition[]
}

export interface ComposedHint extends ComposedProblem {
  readonly level: 'WARN' | 'INFO' | 'DEBUG'
}

export type CompositionMessage =
  | { readonly outcome: 'composed'; readonly sdl: string; readonly hints: readonly ComposedHint[] }
  | { readonly outcome: 'failed'; readonly errors: readonly ComposedProblem[] }
