/** Traces of real gateway processes, while the collector works, is slow, refuses or is not there. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { startCollector } from '../support/collector.ts'
import type { Collector } from '../support/collector.ts'
import { compose } from '../support/compose.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'

const folder = scratchFolder()
const supergraph = join(folder, 'supergraph.graphql')

const subgraph = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end('{"data":{"one":1}}')
  })
})

let issuer: TestIssuer
let collector: Collector

beforeAll(async () => {
  issuer = await startIssuer()
  await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
  const { port } = subgraph.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/graphql`
  writeFileSync(supergraph, compose([{ name: 'graph', url, sdl: 'type Query { one: Int }' }]))
  collector = await startCollector()
})
afterAll(async () => {
  // Those of tests that failed.
  for (const { child } of started) child.kill('SIGKILL')
  await collector?.close()
  subgraph.closeAllConnections()
  subgraph.close()
  await issuer?.close()
})

const started: GatewayProcess[] = []

async function startProcess(
  workers: number,
  environment: Record<string, string>,
): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess({
    folder,
    supergraph,
    config: `authentication:
  issuers:
    - { issuer: ${issuer.issuer}, jwks_uri: ${issuer.jwksUri}, audiences: [portcullis] }
workers: ${workers}
metrics: { port: 0 }
telemetry: { traces: { ratio: 1 } }
`,
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...environment },
  })
  started.push(gateway)
  return gateway
}

/** Sends requests, some at a time, each of which must get its response. */
async function sendRequests({ origin }: GatewayProcess, count: number): Promise<void> {
  const send = async () => {
    const response = await fetch(`${origin}/graphql?query={one}`, {
      headers: { connection: 'close' },
    })
    expect(await response.json()).toEqual({ data: { one: 1 } })
  }
  for (let sent = 0; sent < count; sent += 20) await Promise.all(Array.from({ length: 20 }, send))
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const { url } = gateway.log().find(({ msg }) => msg === 'serving metrics') as { url: string }
  const text = await (await fetch(url)).text()
  return Number(
    new RegExp(`^${name.replaceAll(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0,
  )
}

const dropped = (gateway: GatewayProcess, reason: string) =>
  metric(gateway, `portcullis_dropped_spans_total{reason="${reason}"}`)

const linesAbout = (gateway: GatewayProcess, message: string) =>
  gateway.log().filter(({ msg }) => String(msg).startsWith(message))

async function stopped({ child, ended }: GatewayProcess): Promise<number | string> {
  child.kill('SIGTERM')
  return ended
}

test('every span of several workers arrives, the last ones while they stop', async () => {
  const gateway = await startProcess(2, {
    OTEL_BSP_SCHEDULE_DELAY: '60000',
    OTEL_SERVICE_NAME: 'gateway of the test',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=of%20the%20collector',
  })
  await sendRequests(gateway, 200)
  expect(await stopped(gateway)).toBe(0)
  const requests = collector.spans.filter(({ kind }) => kind === 'SERVER')
  expect(requests).toHaveLength(200)
  expect(collector.spans.filter(({ kind }) => kind === 'CLIENT')).toHaveLength(200)
  expect(new Set(requests.map(({ traceId }) => traceId)).size).toBe(200)
  const workers = new Set(requests.map(({ resource }) => resource['service.instance.id']))
  expect(workers.size).toBe(2)
  expect(requests[0]!.resource).toMatchObject({
    'service.name': 'gateway of the test',
    'deployment.environment.name': 'staging',
  })
  expect(collector.requests[0]).toMatchObject({
    path: '/v1/traces',
    headers: { 'x-key': 'of the collector' },
  })
})

describe.each([1, 2])('with %i processes', (workers) => {
  test('a collector that hangs delays no request and no stop; what is lost is counted', async () => {
    collector.behave('hangs')
    const gateway = await startProcess(workers, {
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
      // Longer than the test: only the bound of the stop ends it.
      OTEL_EXPORTER_OTLP_TIMEOUT: '600000',
    })
    await sendRequests(gateway, 400)
    await until(async () => (await dropped(gateway, 'queue_full')) > 400)
    expect(linesAbout(gateway, 'spans are lost')).toHaveLength(workers)
    expect(await stopped(gateway)).toBe(0)
  })

  test('a collector that refuses costs its spans, and gets those that come later', async () => {
    collector.behave('fails')
    const gateway = await startProcess(workers, { OTEL_BSP_SCHEDULE_DELAY: '10' })
    await sendRequests(gateway, 200)
    await until(async () => (await dropped(gateway, 'export_failed')) > 200)
    expect(linesAbout(gateway, 'spans are lost')).toHaveLength(workers)
    collector.spans.length = 0
    collector.behave('works')
    await until(async () => {
      await sendRequests(gateway, 20)
      return collector.spans.length > 0
    })
    await until(async () => {
      await sendRequests(gateway, 20)
      return linesAbout(gateway, 'spans reach the collector again').length === workers
    })
    expect(linesAbout(gateway, 'spans are lost')).toHaveLength(workers)
    expect(await stopped(gateway)).toBe(0)
  })

  test('a collector that is not there harms nobody', async () => {
    const gateway = await startProcess(workers, {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
      OTEL_BSP_SCHEDULE_DELAY: '10',
    })
    await sendRequests(gateway, 200)
    await until(async () => (await dropped(gateway, 'export_failed')) > 0)
    const [line] = linesAbout(gateway, 'spans are lost')
    expect(line!.reason).toContain('ECONNREFUSED')
    expect(await stopped(gateway)).toBe(0)
  })
})
