import type { Express, RequestHandler } from 'express'

/** Adds a route for GET and HEAD; every other method gets a 405 response, as JSON. */
export function addGetRoute(app: Express, path: string | string[], handler: RequestHandler): void {
  app
    .route(path)
    .get(handler)
    .all((_request, response) => {
      response.status(405).set('allow', 'GET, HEAD').json({ error: 'method_not_allowed' })
    })
}
