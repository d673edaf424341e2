/** How deep what a client sends is nested: much that reads it recurses, on a stack that has an end. */
import { Lexer, Source, TokenKind } from 'graphql'

/** The deepest nesting of variables, and of a value in a document. What people write is far below. */
export const deepestValue = 200

/**
 * Returns what is wrong with a JSON value: lists and objects nested deeper than that many levels, or a
 * number beyond a double, which JSON.parse makes infinite and JSON.stringify null.
 */
export function faultOf(value: unknown, levels: number): 'too deep' | 'infinite' | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'infinite'
  if (typeof value !== 'object' || value === null) return undefined
  if (levels === 0) return 'too deep'
  for (const inner of Object.values(value)) {
    const fault = faultOf(inner, levels - 1)
    if (fault) return fault
  }
  return undefined
}

export interface DocumentNesting {
  readonly selections: number
  /** Of values and of the types of variables. */
  readonly values: number
}

/** Returns how deep a document is nested, as far as it can be read, without recursion. */
export function documentNesting(text: string): DocumentNesting {
  const deepest = { selections: 0, values: 0 }
  const open = { parentheses: 0, selections: 0, values: 0 }
  for (const kind of tokenKinds(text)) {
    const place = open.parentheses > 0 ? 'values' : 'selections'
    if (kind === TokenKind.PAREN_L) open.parentheses++
    else if (kind === TokenKind.PAREN_R) open.parentheses--
    else if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L) open[place]++
    else if (kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R) open[place]--
    deepest[place] = Math.max(deepest[place], open[place])
  }
  return deepest
}

/** What is no GraphQL ends it: the parser says what is wrong. */
function* tokenKinds(text: string): Generator<TokenKind> {
  const lexer = new Lexer(new Source(text))
  try {
    while (lexer.advance().kind !== TokenKind.EOF) yield lexer.token.kind
  } catch {
    return
  }
}
