import type { RequestListener } from 'node:http'
import { Registry } from 'prom-client'
import { requestIdFrom, requestIdHeader } from '../../subgraphs/kit/request-id.ts'

/** What the metrics port serves. */
export interface MetricsSources {
  /** Returns the metrics in the text format of Prometheus. */
  metrics(): Promise<string>
  /** Returns the usage of fields as JSON; undefined if it is not counted. */
  usage(): Promise<string | undefined>
}

interface Content {
  readonly type: string
  read(): Promise<string | undefined>
  /** Why there is nothing. */
  readonly absent: string
}

/** Returns the handler of the metrics port: `GET /metrics` and `GET /usage`, and nothing else. */
export function metricsHandler({ metrics, usage }: MetricsSources): RequestListener {
  const absent = 'Not found: this port has /metrics and /usage\n'
  const contents: Readonly<Record<string, Content>> = {
    '/metrics': { type: Registry.PROMETHEUS_CONTENT_TYPE, read: metrics, absent },
    '/usage': {
      type: 'application/json; charset=utf-8',
      read: usage,
      absent: 'Usage is not counted: it needs telemetry.usage and metrics in the configuration\n',
    },
  }

  return (request, response) => {
    response.setHeader(requestIdHeader, requestIdFrom(undefined))
    const [path] = (request.url ?? '').split('?') as [string]
    const content = request.method === 'GET' ? contents[path] : undefined
    if (!content) return void response.writeHead(404).end(absent)
    content.read().then(
      (text) => {
        if (text === undefined) return void response.writeHead(404).end(content.absent)
        response.writeHead(200, { 'content-type': content.type }).end(text)
      },
      () => response.writeHead(500).end(),
    )
  }
}
