import type { Express, RequestHandler } from 'express'

/** Adds a route that is read with GET or HEAD; every other method is answered 405, as JSON. */
export function addGetRoute(app: Express, path: string | string[], handler: RequestHandler): void {
  app
    .route(path)
    .get(handler)
    .all((_request, response) => {
      response.status(405).set('allow', 'GET, HEAD').json({ error: 'method_not_allowed' })
    })
}
