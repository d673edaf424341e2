import { BREAK, print, separateOperations, visit } from 'graphql'
import type { DocumentNode } from 'graphql'
import type { PreparedOperation } from '../../telemetry/request-facts.ts'

/** In characters: there are at most a hundred of them. */
const longest = 20_000

/**
 * Returns the text of an operation with its fragments, without comments; undefined if it is too long, or has a value
 * in it, be it the default of a variable. Values may be secrets, and the text is kept on disk. Operations that clients
 * send often have variables instead, and an operation with other variables than the client's would have another plan:
 * so nothing is replaced. `true`, `false` and `null` say nothing of anybody.
 */
export function documentToKeep({ document, operation }: PreparedOperation): string | undefined {
  const own = separateOperations(document)[operation.name?.value ?? '']
  if (!own || hasValues(own)) return undefined
  const text = print(own)
  return text.length > longest ? undefined : text
}

function hasValues(document: DocumentNode): boolean {
  let found = false
  const value = () => {
    found = true
    return BREAK
  }
  visit(document, {
    IntValue: value,
    FloatValue: value,
    StringValue: value,
    EnumValue: value,
    ListValue: value,
    ObjectValue: value,
  })
  return found
}
