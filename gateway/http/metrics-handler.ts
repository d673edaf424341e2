import type { RequestListener } from 'node:http'
import { Registry } from 'prom-client'
import { requestIdFrom, requestIdHeader } from '../../subgraphs/kit/request-id.ts'

/** Returns the handler of the metrics port: `GET /metrics`, and nothing else. */
export function metricsHandler(read: () => Promise<string>): RequestListener {
  return (request, response) => {
    response.setHeader(requestIdHeader, requestIdFrom(undefined))
    if (request.url !== '/metrics' || request.method !== 'GET') {
      response.writeHead(404).end()
      return
    }
    read().then(
      (text) =>
        response.writeHead(200, { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE }).end(text),
      () => response.writeHead(500).end(),
    )
  }
}
