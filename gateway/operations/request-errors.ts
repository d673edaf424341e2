/** What graphql-js says about a request, as the client may read it. */
import type { GraphQLError } from 'graphql'
import { errorTable, GatewayError } from '../errors.ts'
import type { ErrorName } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { ResponseError } from '../graphql/response-error.ts'

type Code = 'GRAPHQL_PARSE_FAILED' | 'GRAPHQL_VALIDATION_FAILED' | 'BAD_USER_INPUT'

/** Returns the request error of these errors. */
export function requestError(errors: readonly GraphQLError[], code: Code): RequestError {
  return new RequestError(errors.map((error) => responseError(error, code)))
}

/**
 * Returns the request error of a row of the error table.
 *
 * @param details what programs read of it, in `extensions`
 */
export function refusalWithDetails(
  reason: ErrorName,
  message: string,
  details: Readonly<Record<string, unknown>>,
): RequestError {
  const { code } = errorTable[reason]
  return new RequestError([{ message, extensions: { code, reason, ...details } }])
}

function responseError(error: GraphQLError, code: Code): ResponseError {
  const { locations, originalError: refused } = error
  const place = locations ? { locations } : {}
  if (refused instanceof GatewayError) {
    const { message, code } = refused.row
    return { message, ...place, extensions: { code, reason: refused.reason } }
  }
  const { limit, value, max } = error.extensions
  const exceeded =
    limit === undefined ? {} : { limit, ...(value === undefined ? {} : { value }), max }
  return { message: messageFor(error.message), ...place, extensions: { code, ...exceeded } }
}

/** graphql-js suggests names that are similar: hidden ones, too. */
const suggestion = 'Did you mean '

/** The longest message in characters: those of graphql-js quote the client's text. */
const longestMessage = 1_000

/** What graphql-js says when it stops comparing fields that have the same response name. */
const aborted = 'Validation aborted.'
const tooComplex =
  'The operation is too complex to validate: use fewer fragments and fewer fields of the same name'

const unknownStream = 'Unknown directive "@stream".'
const streamNotSupported = 'The directive @stream is not supported: select the list without it'

function messageFor(text: string): string {
  if (text === aborted) return tooComplex
  return text === unknownStream ? streamNotSupported : shortened(withoutSuggestion(text))
}

/** A suggestion is the end of a message; no regular expression finds it in linear time. */
function withoutSuggestion(text: string): string {
  const start = text.endsWith('?') ? text.lastIndexOf(suggestion) : -1
  return start === -1 ? text : text.slice(0, start).trimEnd()
}

/** The path of a value is at the start of a message, and the reason at its end. */
function shortened(text: string): string {
  if (text.length <= longestMessage) return text
  const half = longestMessage / 2
  return `${text.slice(0, half)} ... ${text.slice(-half)}`
}
