import type { RequestListener } from 'node:http'
import type { Registry } from 'prom-client'

/** Returns the handler of the metrics port: `GET /metrics`, and nothing else. */
export function metricsHandler(registry: Registry): RequestListener {
  return (request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  }
}
