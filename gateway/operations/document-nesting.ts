/** How deep a document is nested: parsing and validation recurse, on a stack that has an end. */
import { Lexer, Source, TokenKind } from 'graphql'
import { GatewayError } from '../errors.ts'

/** The deepest nesting of a value in a document. What people write is far below. */
const deepestValue = 200

/**
 * Throws a GatewayError for a document that is nested too deeply to be parsed and validated. Validation
 * itself refuses operations deeper than `depth`, with fragments counted where they are spread.
 */
export function refuseDeepDocument(text: string, depth: number): void {
  if (text.length <= Math.min(depth, deepestValue)) return
  const { selections, values } = documentNesting(text)
  if (selections > 2 * depth) {
    throw new GatewayError('DOCUMENT_TOO_DEEP', {
      message: `The document is nested deeper than ${depth} levels`,
    })
  }
  if (values > deepestValue) {
    throw new GatewayError('DOCUMENT_TOO_DEEP', {
      message: `A value in the document is nested deeper than ${deepestValue} levels`,
    })
  }
}

/** Returns how deep a document is nested, up to its first syntax error, without recursion. */
function documentNesting(text: string) {
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

/** A syntax error ends it: the parser reports the error. */
function* tokenKinds(text: string): Generator<TokenKind> {
  const lexer = new Lexer(new Source(text))
  try {
    while (lexer.advance().kind !== TokenKind.EOF) yield lexer.token.kind
  } catch {
    return
  }
}
