/** GraphQL errors as the client may see them; what nobody foresaw goes to the log under an id. */
import { randomUUID } from 'node:crypto'
import { HeaderMap } from '@apollo/server'
import { GraphQLError } from 'graphql'
import type { GraphQLFormattedError } from 'graphql'
import type { Logger } from 'pino'
import { errorTable, GatewayError, passedExtensions } from '../errors.ts'

/** Extensions that tell the client something; all others stay inside. */
const extensionsForClients = ['code', 'reason', 'requires', 'errorId']

export type ClientErrorFormatter = (
  formatted: GraphQLFormattedError,
  error: unknown,
) => GraphQLFormattedError

/**
 * Returns Apollo Server's `formatError`: errors of subgraphs pass as they were judged, errors about the
 * request pass with the words of graphql-js,
 * GatewayErrors with those of the table, and an unforeseen one becomes its table row with an id that
 * stands in the log beside the cause.
 */
export function clientErrorFormatter(log: Logger): ClientErrorFormatter {
  return (formatted, error) => {
    const ofSubgraph = extensionsOfSubgraph(formatted)
    if (ofSubgraph) return { ...formatted, extensions: ofSubgraph }
    const cause = originOf(error)
    if (cause instanceof GatewayError) return tableError(formatted, cause)
    // The parser recurses: what fills its stack is the document.
    if (cause instanceof RangeError && formatted.extensions?.code === 'GRAPHQL_PARSE_FAILED') {
      return tableError(formatted, new GatewayError('DOCUMENT_TOO_DEEP'))
    }
    if (formatted.extensions?.code !== 'INTERNAL_SERVER_ERROR') return passed(formatted)
    const errorId = randomUUID()
    log.error({ errorId, err: cause }, 'unforeseen error')
    const { message, code } = errorTable.INTERNAL_SERVER_ERROR
    return { ...formatted, message, extensions: { code, errorId } }
  }
}

/** What a subgraph reports has been judged already; what was added on the way stays inside. */
function extensionsOfSubgraph({ extensions }: GraphQLFormattedError) {
  return (extensions as Record<symbol, Record<string, unknown> | undefined>)?.[passedExtensions]
}

function tableError(formatted: GraphQLFormattedError, { row, reason }: GatewayError) {
  return { ...formatted, message: row.message, extensions: { code: row.code, reason } }
}

/** graphql-js suggests names that are similar: hidden ones, too. */
const suggestion = 'Did you mean '

/** The longest message in characters: those of graphql-js quote what the client sent, each time. */
const longestMessage = 1_000

/** What graphql-js says when it stops comparing fields that have the same response name. */
const aborted = 'Validation aborted.'
const tooComplex =
  'The operation is too complex to validate: use fewer fragments and fewer fields of the same name'

function passed(formatted: GraphQLFormattedError): GraphQLFormattedError {
  const text = formatted.message
  const message = text === aborted ? tooComplex : shortened(withoutSuggestion(text))
  const extensions = Object.entries(formatted.extensions ?? {})
  const shown = extensions.filter(([name]) => extensionsForClients.includes(name))
  return { ...formatted, message, extensions: Object.fromEntries(shown) }
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

function originOf(error: unknown): unknown {
  const { originalError } = (error ?? {}) as { originalError?: unknown }
  return originalError ? originOf(originalError) : error
}

/** Returns the refusal as the error that ends Apollo Server's pipeline, with its HTTP status. */
export function pipelineError(refused: GatewayError): GraphQLError {
  const { code, status, retryAfter } = refused.row
  const headers = new HeaderMap()
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter))
  return new GraphQLError(refused.message, {
    originalError: refused,
    extensions: { code, http: { status, headers } },
  })
}
