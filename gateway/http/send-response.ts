/** Writes complete responses, compressed for clients that accept it. */
import type { IncomingMessage, OutgoingHttpHeader, ServerResponse } from 'node:http'
import { sizeOfText } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import { dropBytes } from '../values/response-buffers.ts'
import { codingChooser, refusesIdentity } from './accepted-coding.ts'
import { bodyCompressor } from './compress-body.ts'
import type { HttpResponse } from './http-message.ts'

export interface SendOptions {
  /** The smallest body that is compressed, in bytes; undefined: none is. */
  compressFrom: number | undefined
  /**
   * Whether cookies identify callers. A page of an attacker can make a browser send requests with its cookies and
   * with texts that the response repeats; from the length of compressed responses, somebody who can see
   * the traffic could then guess what else is in them (BREACH). Such responses are not compressed.
   */
  cookiesIdentify: boolean
}

/** Writes a complete response to a request. */
export type SendResponse = (
  request: IncomingMessage,
  response: ServerResponse,
  content: HttpResponse,
) => void

/** Returns the function that writes responses. */
export function responseSender({ compressFrom, cookiesIdentify }: SendOptions): SendResponse {
  if (compressFrom === undefined) {
    return (_request, response, content) => {
      if (!content.vary) return write(response, content, [])
      write(response, content, ['vary', varyOf(response, content.vary)])
    }
  }
  const codingFor = codingChooser()
  const compress = bodyCompressor()

  return (request, response, content) => {
    if (content.stream) return write(response, content, [])
    const vary = withAcceptEncoding(
      content.vary ? varyOf(response, content.vary) : response.getHeader('vary'),
    )
    const coding = mayCompress(request, content) ? codingFor(accepted(request)) : undefined
    if (coding === undefined) return write(response, content, ['vary', vary])
    compress(coding, bytesOf(content.body), (compressed) => {
      if (response.destroyed) return
      if (compressed === undefined) return write(response, content, ['vary', vary])
      const more = ['vary', vary, 'content-encoding', coding]
      write(response, { ...content, body: [compressed] }, more)
    })
  }

  function mayCompress(request: IncomingMessage, { headers, body }: HttpResponse): boolean {
    const acceptEncoding = request.headers['accept-encoding']
    if (acceptEncoding === undefined) return false
    if (sizeOfText(body) < compressFrom! && !refusesIdentity(acceptEncoding)) return false
    if (headers['set-cookie'] !== undefined) return false
    return !(cookiesIdentify && request.headers.cookie !== undefined)
  }
}

function accepted({ headers }: IncomingMessage): string {
  return String(headers['accept-encoding'])
}

/**
 * Writes a response.
 *
 * @param head further headers, names and values in turn: node writes a list faster than an object
 */
function write(
  response: ServerResponse,
  { status, headers, body, stream }: HttpResponse,
  head: OutgoingHttpHeader[],
): void {
  for (const name in headers) head.push(name, headers[name]!)
  if (stream) {
    response.writeHead(status, head)
    return stream(response)
  }
  const size = sizeOfText(body)
  head.push('content-length', size)
  response.writeHead(status, head)
  // ASCII, if it has as many bytes as characters: that is written faster.
  if (typeof body === 'string') return void response.end(body, encodingOf(body, size))
  response.cork()
  for (const piece of body) response.write(piece)
  response.end()
  // Everything has been handed to the system then. Its memory is lent to others: no other response may have this body.
  response.once('finish', () => body.forEach(dropBytes))
}

function encodingOf(text: string, size: number): BufferEncoding {
  return text.length === size ? 'latin1' : 'utf8'
}

function bytesOf(body: ResponseData): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.concat(body)
}

/** Returns what the response depends on, with what it depends on already. */
function varyOf(response: ServerResponse, names: readonly string[]): string {
  const before = response.getHeader('vary')
  return [...(before === undefined ? [] : [String(before)]), ...names].join(', ')
}

/** Caches must not give a response to clients that accept other codings (RFC 9110, section 12.5.5). */
function withAcceptEncoding(vary: number | string | string[] | undefined): string {
  return vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`
}
