/** Writes complete responses, compressed for clients that accept it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { sizeOfText } from '../graphql/response-data.ts'
import type { ResponseData } from '../graphql/response-data.ts'
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
  if (compressFrom === undefined) return (_request, response, content) => write(response, content)
  const codingFor = codingChooser()
  const compress = bodyCompressor()

  return (request, response, content) => {
    const headers = { ...content.headers, vary: withAcceptEncoding(response.getHeader('vary')) }
    const coding = mayCompress(request, content) ? codingFor(accepted(request)) : undefined
    if (coding === undefined) return write(response, { ...content, headers })
    compress(coding, bytesOf(content.body), (compressed) => {
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
    if (sizeOfText(body) < compressFrom! && !refusesIdentity(acceptEncoding)) return false
    if (headers['set-cookie'] !== undefined) return false
    return !(cookiesIdentify && request.headers.cookie !== undefined)
  }
}

function accepted({ headers }: IncomingMessage): string {
  return String(headers['accept-encoding'])
}

function write(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  response.writeHead(status, { ...headers, 'content-length': sizeOfText(body) })
  if (typeof body === 'string') return void response.end(body)
  response.cork()
  for (const piece of body) response.write(piece)
  response.end()
}

function bytesOf(body: ResponseData): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.concat(body)
}

/** Caches must not give a response to clients that accept other codings (RFC 9110, section 12.5.5). */
function withAcceptEncoding(vary: number | string | string[] | undefined): string {
  return vary === undefined ? 'Accept-Encoding' : `${String(vary)}, Accept-Encoding`
}
