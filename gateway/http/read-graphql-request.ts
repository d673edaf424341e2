/** Reads a GraphQL request from its bytes (GraphQL over HTTP, sections 5 and 6). */
import { MIMEType } from 'node:util'
import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import { listHeader, soleHeader } from './http-message.ts'
import type { HttpRequest } from './http-message.ts'
import { acceptedMediaType } from './media-type.ts'
import { idParameters, refusePersistedQuery } from './persisted-query.ts'
import type { Parameters } from './persisted-query.ts'
import { refuseUnboundedValues } from './refuse-unbounded-values.ts'

/** A well-formed GraphQL request. It never contains a credential. */
export interface GraphqlRequest {
  /** A GET is safe: it executes queries only (RFC 9110, section 9.2.1). */
  readonly method: 'GET' | 'POST'
  /** The text of the document. */
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: Readonly<Record<string, unknown>>
  readonly extensions: Readonly<Record<string, unknown>> | undefined
  /** The media type of the response. */
  readonly mediaType: string
}

const nothing = {}

/**
 * Returns the request. Throws a GatewayError if it is not well-formed.
 *
 * @param withDocument returns the parameters with the text of a document that they name by an id;
 *   undefined: there are no ids
 */
export function readGraphqlRequest(
  request: HttpRequest,
  withDocument?: (parameters: Parameters) => Parameters,
): GraphqlRequest {
  const { method } = request
  if (method !== 'GET' && method !== 'POST') throw new GatewayError('METHOD_NOT_ALLOWED')
  const given = method === 'POST' ? readJsonBody(request) : readSearch(request, !!withDocument)
  const parameters = withDocument ? withDocument(given) : given
  return requestOf(parameters, method, listHeader(request.headers, 'accept'))
}

/**
 * Returns the request that has these parameters, from wherever they came. Throws a GatewayError if it is
 * not well-formed.
 *
 * @param accept which media types the client accepts
 */
export function requestOf(
  parameters: Parameters,
  method: GraphqlRequest['method'],
  accept: string | undefined,
): GraphqlRequest {
  refuseUnboundedValues(parameters)
  const { query } = parameters
  const operationName = parameters['operationName'] ?? undefined
  const variables = parameters['variables'] ?? undefined
  const extensions = parameters['extensions'] ?? undefined
  if (operationName !== undefined && typeof operationName !== 'string') {
    throw malformed('`operationName` must be a string')
  }
  if (variables !== undefined && !isRecord(variables)) throw notAnObject('variables', variables)
  if (extensions !== undefined && !isRecord(extensions)) throw notAnObject('extensions', extensions)
  if (extensions?.['persistedQuery']) refusePersistedQuery(query, extensions['persistedQuery'])
  if (!query) throw malformed(whyMissing(parameters))
  if (typeof query !== 'string') {
    throw malformed('`query` must be a string: the text of a GraphQL document')
  }
  const mediaType = acceptedMediaType(accept)
  if (mediaType === undefined) throw new GatewayError('NOT_ACCEPTABLE')
  return { method, query, operationName, variables: variables ?? nothing, extensions, mediaType }
}

/** An id that is known has become a text before. */
function whyMissing(parameters: Parameters): string {
  const id = idParameters.find((name) => typeof parameters[name] === 'string')
  const unknown = id === undefined ? '' : `, and no document is known by \`${id}\` here`
  return `\`query\` is missing${unknown}: send the text of a GraphQL document`
}

/** Each parameter may be given once; `variables` and `extensions` are JSON (section 6.1). */
function readSearch({ search, headers }: HttpRequest, withIds: boolean): Parameters {
  const contentType = headers['content-type']?.join(', ')
  if (contentType !== undefined && !isJson(contentType, false)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  }
  const parameters = new URLSearchParams(search)
  const json = (name: string): unknown => {
    const text = sole(parameters, name)
    if (text === undefined) return undefined
    const value = parseJson(text, () =>
      malformed(`The URL parameter \`${name}\` is not valid JSON`),
    )
    if (!isRecord(value)) throw notAnObject(name, value)
    return value
  }
  const read = {
    query: sole(parameters, 'query'),
    operationName: sole(parameters, 'operationName'),
    variables: json('variables'),
    extensions: json('extensions'),
  }
  // Where there are no ids, they say why `query` is missing.
  if (!withIds && read.query !== undefined) return read
  const ids = idParameters.map((name) => [name, sole(parameters, name)])
  return { ...read, ...Object.fromEntries(ids) }
}

function sole(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name)
  if (values.length > 1) throw malformed(`The URL parameter \`${name}\` may be given only once`)
  return values[0]
}

function readJsonBody({ headers, body }: HttpRequest): Parameters {
  if (!isJson(soleHeader(headers, 'content-type'), true)) {
    throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  }
  if (!isUtf8(body)) throw new GatewayError('INVALID_JSON')
  const text = Buffer.prototype.utf8Slice.call(body, 0, body.length)
  const value = parseJson(text, (cause) => new GatewayError('INVALID_JSON', { cause }))
  if (Array.isArray(value)) throw new GatewayError('BATCH_REFUSED')
  if (!isRecord(value)) throw new GatewayError('BAD_REQUEST')
  return value
}

/** `application/json`; a body is in UTF-8 if it names a charset (RFC 8259, section 8.1). */
function isJson(contentType: string | undefined, hasBody: boolean): boolean {
  if (contentType === 'application/json') return true
  try {
    const { essence, params } = new MIMEType(contentType ?? '')
    const isReadable = !hasBody || /^utf-?8$/i.test(params.get('charset') ?? 'utf-8')
    return essence === 'application/json' && isReadable
  } catch {
    return false
  }
}

function parseJson(text: string, refusal: (cause: unknown) => GatewayError): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refusal(cause)
  }
}

function notAnObject(name: string, value: unknown): GatewayError {
  const isText = typeof value === 'string'
  return malformed(`\`${name}\` must be a JSON object${isText ? ', not a string of JSON' : ''}`)
}

function malformed(message: string): GatewayError {
  return new GatewayError('BAD_REQUEST', { message })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
