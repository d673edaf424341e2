/** Writes complete responses, compressed for clients that accept it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
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

/** In characters. Node puts a text together with the head, which costs less for small ones only. */
const largeBody = 16_384

/** Returns the function that writes responses. */
export function responseSender({ compressFrom, cookiesIdentify }: SendOptions): SendResponse {
  if (compressFrom === undefined) return (_request, response, content) => write(response, content)
  const codingFor = codingChooser()
  const compress = bodyCompressor()

  return (request, response, content) => {
    const headers = { ...content.headers, vary: withAcceptEncoding(response.getHeader('vary')) }
    const coding = mayCompress(request, content) ? codingFor(accepted(request)) : undefined
    if (coding === undefined) return write(response, { ...content, headers })
    compress(coding, Buffer.from(content.body), (compressed) => {
      if (response.destroyed) return
      if (compressed === undefined) return write(response, { ...content, headers })
      response.writeHead(content.status, {
        ...headers,
        'content-encoding': coding,
        'content-length': compressed.length,
      })
      response.end(compressed)
    })
  }

  function mayCompress(request: IncomingMessage, { headers, body }: HttpResponse): boolean {
    const acceptEncoding = request.headers['accept-encoding']
    if (acceptEncoding === undefined) return false
    if (body.length < compressFrom! && !refusesIdentity(acceptEncoding)) return false
    if (headers['set-cookie'] !== undefined) return false
    return !(cookiesIdentify && request.headers.cookie !== undefined)
  }
}

function accepted({ headers }: IncomingMessage): string {
  return String(headers['accept-encoding'])
}

function write(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  const content = body.length < largeBody ? body : Buffer.from(body)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(content) })
  response.end(content)
}

/** Caches must not give a response to clients that accept other codings (RFC 9110, section 12.5.5). */
function withAcceptEncoding(vary: number | string | string[] | undefined): string {
  return vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`
}
