/** The result of an operation -> its HTTP response (GraphQL over HTTP, section 6.4). */
import { errorTable, plausibleRetryAfter, retryLater } from '../errors.ts'
import type { ErrorName, ErrorRow } from '../errors.ts'
import { stringOf } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { Additions } from './added-to-response.ts'
import { bearerChallenge } from './bearer-challenge.ts'
import type { Realm } from './bearer-challenge.ts'
import type { HttpResponse } from './http-message.ts'
import { statusDependsOnResult } from './media-type.ts'

/** The result of an operation. */
export interface OperationResult {
  readonly data: ResponseData
  readonly errors: readonly ResponseError[]
  readonly extensions?: Readonly<Record<string, unknown>> | undefined
  /** Set if nothing of the operation is left for this caller: the row, and attributes of its challenge. */
  readonly challenge?:
    | { readonly reason: ErrorName; readonly attributes: Readonly<Record<string, string>> }
    | undefined
}

export interface ResultResponseOptions {
  readonly mediaType: string
  /** Described in `WWW-Authenticate`. */
  readonly realm: Realm
  /** What subgraphs have added; default nothing. */
  readonly added?: Additions | undefined
  /**
   * The request headers on which the response depends, if it may be cached where subgraphs allow it; default: it may
   * not.
   */
  readonly vary?: readonly string[] | undefined
  readonly requestId: string
}

/** Returns the response. Its body is concatenated from texts that are already written. */
export function resultResponse(
  result: OperationResult,
  { mediaType, realm, added, vary: dependsOn, requestId }: ResultResponseOptions,
): HttpResponse {
  const cacheControl = dependsOn && result.errors.length === 0 ? added?.cacheControl() : undefined
  const vary = cacheControl === undefined ? undefined : dependsOn
  const own = {
    'content-type': mediaType,
    'cache-control': cacheControl ?? 'no-store',
    'x-request-id': requestId,
  }
  const more = added?.headers()
  const headers = more ? { ...more, ...own } : own
  // A batch makes its headers of those of its elements.
  const passed = more && added
  const body = bodyOfResult(result)
  if (result.errors.length === 0 && !result.extensions) {
    return { status: 200, headers, vary, body, added: passed }
  }
  const head = headOf(result, mediaType, realm)
  const all = { ...headers, ...head.headers }
  return { status: head.status, headers: all, vary, body, added: passed }
}

/** Returns the JSON text of a result, with a line break at its end. */
export function bodyOfResult({ data, errors, extensions }: OperationResult): ResponseData {
  if (errors.length === 0 && !extensions) return around('{"data":', data, '}\n')
  const before = errors.length > 0 ? `"errors":${JSON.stringify(errors)},` : ''
  const after = extensions ? `,"extensions":${JSON.stringify(extensions)}` : ''
  return around(`{${before}"data":`, data, `${after}}\n`)
}

/** Returns the data with a text before it and after it. */
function around(before: string, data: ResponseData, after: string): ResponseData {
  if (typeof data === 'string') return before + data + after
  return [Buffer.from(before), ...data, Buffer.from(after)]
}

interface Head {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * The status of a response without data is that of its first error, for clients that accept
 * `application/graphql-response+json` (section 6.4.2); `application/json` keeps 200 (section 6.4.1).
 */
function headOf(result: OperationResult, mediaType: string, realm: Realm): Head {
  const { data, errors } = result
  const later = retryOf(result)
  if (later) return later
  if (data !== 'null' || !statusDependsOnResult(mediaType)) return { status: 200 }
  if (result.challenge) {
    const { reason, attributes } = result.challenge
    const row = errorTable[reason]
    const headers = { 'www-authenticate': bearerChallenge(row, realm, attributes) }
    return { status: row.status, headers }
  }
  // Nothing was executed, as the client asked.
  if (errors.length === 0) return { status: 200 }
  const row = rowOf(errors[0])
  return {
    status: row.status,
    headers: {
      ...(row.retryAfter ? { 'retry-after': String(secondsOf(errors[0]!, row.retryAfter)) } : {}),
      ...(row.challenge ? { 'www-authenticate': bearerChallenge(row, realm) } : {}),
    },
  }
}

/**
 * Returns the status and headers of a response that only means "try again later": proxies and clients
 * must see it with either media type.
 */
function retryOf({ data, errors }: OperationResult): Head | undefined {
  const rows = errors.flatMap(({ extensions }) => {
    const name = retryLater.find((candidate) => candidate === extensions['code'])
    return name ? [errorTable[name]] : []
  })
  if (rows.length === 0 || rows.length < errors.length) return undefined
  const fields: Record<string, unknown> = JSON.parse(stringOf(data)) ?? {}
  if (!Object.values(fields).every((value) => value === null)) return undefined
  const seconds = errors.map((error, index) => secondsOf(error, rows[index]!.retryAfter))
  return {
    // If there are both, waiting for the service is what helps.
    status: Math.max(...rows.map(({ status }) => status)),
    headers: { 'retry-after': String(Math.max(...seconds)) },
  }
}

/** Returns how long the client has to wait: from the error, else from the table. */
function secondsOf({ extensions }: ResponseError, otherwise: number): number {
  return plausibleRetryAfter(extensions['retryAfter']) ?? otherwise
}

/**
 * A row that has 200 is one of a part of the response; here nothing else is left of it. A code of a
 * subgraph's own says something about the request, such as that an article is out of stock.
 */
function rowOf(error: ResponseError | undefined): ErrorRow {
  if (!error) return errorTable.INTERNAL_SERVER_ERROR
  const { code } = error.extensions
  if (code === 'UNAUTHENTICATED') return errorTable.TOKEN_MISSING
  if (code === 'FORBIDDEN') return { ...errorTable.FORBIDDEN, status: 403 }
  if (typeof code !== 'string' || !Object.hasOwn(errorTable, code)) return errorTable.BAD_REQUEST
  const row = errorTable[code as ErrorName]
  return row.status === 200 ? errorTable.INTERNAL_SERVER_ERROR : row
}
