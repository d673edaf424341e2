/** JSON documents at fixed paths, which everybody may read, pages of all origins included. */
import cors from 'cors'
import type { RequestHandler } from 'express'
import { GatewayError } from '../errors.ts'
import { errorResponse } from './error-response.ts'
import type { ErrorResponseOptions } from './error-response.ts'
import type { SendResponse } from './send-response.ts'

/** What each document is now, by its path. */
export type PublicDocuments = Readonly<Record<string, () => unknown>>

/** How long a document, or the response to a preflight, may be cached, in seconds. */
const lifetime = 300

const methods = ['GET', 'HEAD', 'OPTIONS']

/** Returns the handler of these documents. */
export function publicDocuments(
  documents: PublicDocuments,
  { send, realm }: ErrorResponseOptions & { send: SendResponse },
): RequestHandler {
  const byPath = new Map(Object.entries(documents))
  // It responds to OPTIONS by itself. Any header is allowed: clients add some, such as a version of theirs.
  const crossOrigin = cors({ origin: '*', methods: ['GET', 'HEAD'], maxAge: lifetime })

  return (request, response, next) => {
    const document = byPath.get(request.path)
    if (!document) return next()
    crossOrigin(request, response, () => {
      if (!methods.includes(request.method)) {
        const message = 'The method is not allowed: read this document by GET'
        const error = new GatewayError('METHOD_NOT_ALLOWED', { message })
        const refused = errorResponse(error, { realm, accept: request.headers.accept })
        const headers = { ...refused.headers, allow: methods.join(', ') }
        return send(request, response, { ...refused, headers })
      }
      response.setHeader('cache-control', `public, max-age=${lifetime}`)
      response.json(document())
    })
  }
}
