import type { RequestHandler } from 'express'
import type { SignedDocument } from './signed-document.ts'

/**
 * Responds with a signed document, or with 304 if the client has it already. It may be cached for a
 * second only: the age of the response adds to the delay of a revocation.
 *
 * @param find returns undefined for an address that has no document
 */
export function documentRoute(
  mediaType: string,
  find: (parameters: Record<string, unknown>) => Promise<SignedDocument | undefined>,
): RequestHandler {
  return async (request, response) => {
    const document = await find(request.params)
    if (!document) return void response.status(404).json({ error: 'not_found' })
    response.set({
      etag: document.etag,
      'cache-control': 'public, max-age=1, must-revalidate',
      'content-type': mediaType,
    })
    if (request.fresh) return void response.status(304).end()
    response.end(document.jwt)
  }
}
