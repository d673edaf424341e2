/** A subgraph's errors as they are logged: unchanged, unless they are too large to be read. */
import { jsonWithinNesting } from './nesting.ts'
import { isObject } from '../values/json.ts'

/** The most errors of one response. */
const mostErrors = 20
/** The longest text of all of them, in characters. */
const longestText = 20_000
const longestMessage = 500

/** Returns the errors to log, and their number in the response. */
export function errorsForLog(errors: unknown): { errors: unknown; count: number } {
  const list: readonly unknown[] = Array.isArray(errors) ? errors : [errors]
  const first = list.slice(0, mostErrors)
  const text = jsonWithinNesting(first)
  const isReadable = text !== undefined && text.length <= longestText
  return { errors: isReadable ? first : first.map(messageOf), count: list.length }
}

function messageOf(error: unknown): string {
  const message = isObject(error) ? error['message'] : error
  return typeof message === 'string' ? message.slice(0, longestMessage) : 'no message'
}
