/** What OAuth's endpoints have in common: POST, a form, a response that is never cached. */
import { Router, urlencoded } from 'express'
import type { ErrorRequestHandler, Request } from 'express'
import { OAuthError } from './oauth-error.ts'

export type Form = ReadonlyMap<string, string>

/** Returns the body of the response; undefined for an empty one. */
export type FormHandler = (form: Form, request: Request) => Promise<object | undefined>

const bodyLimit = 20_000

/** Returns the routes of an endpoint at `path`. */
export function formEndpoint(path: string, handle: FormHandler): Router {
  const router = Router()
  router.use(path, (_request, response, next) => {
    response.set({ 'cache-control': 'no-store', pragma: 'no-cache' })
    next()
  })
  router.post(
    path,
    requireForm,
    urlencoded({ extended: false, limit: bodyLimit, inflate: false }),
    async (request: Request, response) => {
      const body = await handle(readForm(request.body), request)
      if (body) response.json(body)
      else response.status(200).end()
    },
  )
  router.all(path, (_request, response) => {
    response.status(405).set('allow', 'POST').json({
      error: 'invalid_request',
      error_description: 'Send a POST request',
    })
  })
  router.use(path, respondWithError)
  return router
}

function requireForm(request: Request, _response: unknown, next: () => void): void {
  if (!request.is('application/x-www-form-urlencoded')) {
    throw new OAuthError('invalid_request', 'Send application/x-www-form-urlencoded')
  }
  next()
}

/** A parameter must not be repeated (RFC 6749 section 3.2); an empty one counts as absent. */
function readForm(body: Record<string, unknown> | undefined): Form {
  const form = new Map<string, string>()
  for (const [name, value] of Object.entries(body ?? {})) {
    if (typeof value !== 'string') {
      throw new OAuthError('invalid_request', 'A parameter is repeated')
    }
    if (value !== '') form.set(name, value)
  }
  return form
}

/** Errors that are not the client's fault are left to the error handler of all routes. */
const respondWithError: ErrorRequestHandler = (error, _request, response, next) => {
  if (error instanceof OAuthError) {
    if (error.status === 401) response.set('www-authenticate', 'Basic realm="portcullis"')
    if (error.retryAfter !== undefined) response.set('retry-after', String(error.retryAfter))
    response.status(error.status).json({ error: error.code, error_description: error.message })
    return
  }
  if (error?.status >= 400 && error?.status < 500) {
    response.status(error.status).json({
      error: 'invalid_request',
      error_description: bodyProblem(error.status),
    })
    return
  }
  next(error)
}

function bodyProblem(status: number): string {
  if (status === 413)
    return `The request body is larger than ${bodyLimit} bytes, or has too many parameters`
  if (status === 415) return 'Send the request body in UTF-8 and without content encoding'
  return 'The request body could not be read'
}
