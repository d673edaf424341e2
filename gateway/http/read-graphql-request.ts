/** From bytes to the parts of a GraphQL request (GraphQL over HTTP, sections 5 and 6). */
import { MIMEType } from 'node:util'
import { HeaderMap } from '@apollo/server'
import type { HTTPGraphQLRequest } from '@apollo/server'
import { GatewayError } from '../errors.ts'
import { soleHeader } from './http-message.ts'
import type { HttpRequest, RequestHeaders } from './http-message.ts'

/** What the pipeline gets to see of the client's headers: never a credential. */
const headersForPipeline = ['accept', 'content-type']

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Returns the request as the GraphQL pipeline takes it; anything unreadable is a GatewayError. */
export function readGraphqlRequest(request: HttpRequest): HTTPGraphQLRequest {
  if (!['GET', 'POST'].includes(request.method)) throw new GatewayError('METHOD_NOT_ALLOWED')
  return {
    method: request.method,
    headers: pipelineHeaders(request.headers),
    search: request.search,
    body: request.method === 'POST' ? readJsonBody(request) : undefined,
  }
}

function pipelineHeaders(headers: RequestHeaders): HeaderMap {
  const map = new HeaderMap()
  for (const name of headersForPipeline) {
    const values = headers[name]
    if (values) map.set(name, values.join(', '))
  }
  return map
}

function readJsonBody({ headers, body }: HttpRequest): unknown {
  if (!isJson(soleHeader(headers, 'content-type'))) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  if (headers['content-encoding']) throw new GatewayError('UNSUPPORTED_MEDIA_TYPE')
  const value = parseJson(body)
  if (typeof value !== 'object' || value === null) throw new GatewayError('BAD_REQUEST')
  if (Array.isArray(value)) throw new GatewayError('BATCH_REFUSED')
  return value
}

/** `application/json`, in UTF-8 if it names a charset (RFC 8259 section 8.1). */
function isJson(contentType: string | undefined): boolean {
  try {
    const { essence, params } = new MIMEType(contentType ?? '')
    return essence === 'application/json' && /^utf-?8$/i.test(params.get('charset') ?? 'utf-8')
  } catch {
    return false
  }
}

function parseJson(body: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(body))
  } catch (cause) {
    throw new GatewayError('INVALID_JSON', { cause })
  }
}
