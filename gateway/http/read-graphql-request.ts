/** From bytes to the parts of a GraphQL request (GraphQL over HTTP, sections 5 and 6). */
import { MIMEType } from 'node:util'
import { isUtf8 } from 'node:buffer'
import { GatewayError } from '../errors.ts'
import { soleHeader } from './http-message.ts'
import type { HttpRequest } from './http-message.ts'
import { refuseUnboundedValues } from './refuse-unbounded.ts'

/** A request as far as GraphQL is concerned: never a credential. */
export interface GraphqlRequest {
  readonly method: string
  /** The query string with its question mark, or an empty string. */
  readonly search: string
  readonly accept: string | undefined
  readonly contentType: string | undefined
  /** The JSON object of a POST. */
  readonly body: Readonly<Record<string, unknown>> | undefined
  /** `query`, `variables` and the rest, as they came: nobody has looked at their types. */
  readonly asked: Readonly<Record<string, unknown>>
}

/** Returns the request as it may be looked at; anything unreadable is a GatewayError. */
export function readGraphqlRequest(request: HttpRequest): GraphqlRequest {
  if (!['GET', 'POST'].includes(request.method)) throw new GatewayError('METHOD_NOT_ALLOWED')
  const body = request.method === 'POST' ? readJsonBody(request) : undefined
  const asked = body ?? readSearch(request.search)
  refuseUnboundedValues(asked)
  return {
    method: request.method,
    search: request.search,
    accept: request.headers['accept']?.join(', '),
    contentType: request.headers['content-type']?.join(', '),
    body,
    asked,
  }
}

/** The parameters of a GET. What is no JSON is left out here, and refused by the pipeline. */
function readSearch(search: string): Readonly<Record<string, unknown>> {
  const parameters = new URLSearchParams(search)
  const json = (name: string): unknown => {
    try {
      return JSON.parse(parameters.get(name) ?? 'null')
    } catch {
      return undefined
    }
  }
  return {
    query: parameters.get('query') ?? undefined,
    variables: json('variables'),
    extensions: json('extensions'),
  }
}

function readJsonBody({ headers, body }: HttpRequest): Readonly<Record<string, unknown>> {
  if (!isJson(soleHeader(headers, 'content-type'))) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  if (headers['content-encoding']) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  const value = parseJson(body)
  if (typeof value !== 'object' || value === null) throw new GatewayError('BAD_REQUEST')
  if (Array.isArray(value)) throw new GatewayError('BATCH_REFUSED')
  return value as Record<string, unknown>
}

/** `application/json`, in UTF-8 if it names a charset (RFC 8259 section 8.1). */
function isJson(contentType: string | undefined): boolean {
  if (contentType === 'application/json') return true
  try {
    const { essence, params } = new MIMEType(contentType ?? '')
    return essence === 'application/json' && /^utf-?8$/i.test(params.get('charset') ?? 'utf-8')
  } catch {
    return false
  }
}

function parseJson(body: Uint8Array): unknown {
  if (!isUtf8(body)) throw new GatewayError('INVALID_JSON')
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString())
  } catch (cause) {
    throw new GatewayError('INVALID_JSON', { cause })
  }
}
