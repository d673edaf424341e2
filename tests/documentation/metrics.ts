/** The metrics of a running gateway, their documentation, the Grafana dashboard and the alert rules. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { addedUp, gatewayMetrics } from '../../gateway/process/metrics.ts'
import type { ProcessMetrics } from '../../gateway/process/metrics.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { anchors, pages, tableRows } from './pages.ts'
import { faultsOf, metricsIn } from './promql.ts'
import type { Metric } from './promql.ts'

const sdl = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@authenticated"])
type Query { users: String  secret: String @authenticated }`

/** The rows of all tables of metrics, by name. */
const documented = new Map(
  pages
    .flatMap((page) => tableRows(page))
    .filter(({ cells }) => cells[0]!.startsWith('`portcullis_'))
    .map(({ cells }) => [cells[0]!.replaceAll('`', ''), cells]),
)

function documentedLabels(name: string): string[] {
  const cell = documented
    .get(name)
    ?.find((cell, index) => index > 0 && /^(`\w+`(, )?)+$/.test(cell))
  return cell?.replaceAll('`', '').split(', ') ?? []
}

let issuer: TestIssuer
let gateway: RunningGateway
let metrics: Map<string, Metric>

describe('metrics', () => {
  beforeAll(async () => {
    issuer = await startIssuer()
    const issuers = [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }]
    gateway = await runGateway(
      [{ name: 'users', url: 'http://127.0.0.1:9/graphql', sdl }],
      stringify({
        authentication: { issuers },
        metrics: { port: 0 },
        limits: { aliases: 1, measure: ['aliases'], cost: { max: 1000 } },
      }),
    )
    await ask('{ users secret }')
    await ask('query Named { users }', await issuer.accessToken())
    await ask('{ users }', 'not a token')
    await ask('{ one: users two: users }')
    const line = gateway.log.find((line) => line.includes('serving metrics'))!
    const { url } = JSON.parse(line) as { url: string }
    metrics = metricsIn(await (await fetch(url)).text())
  })
  afterAll(async () => {
    await gateway.close()
    await issuer.close()
  })

  async function ask(query: string, token?: string): Promise<void> {
    await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      body: JSON.stringify({ query }),
    })
  }

  test('the metrics that /metrics serves are in the documentation, and no other', () => {
    const served = [...metrics.keys()].filter((name) => name.startsWith('portcullis_'))
    expect([...documented.keys()].sort()).toEqual(served.sort())
  })

  test('their labels are those of the documentation', () => {
    const seen = [...metrics].filter(([, { labels }]) => labels.size > 0)
    const own = seen.filter(([name]) => name.startsWith('portcullis_'))
    expect(own.map(([name]) => [name, documentedLabels(name).sort()])).toEqual(
      own.map(([name, { labels }]) => [name, [...labels].sort()]),
    )
    expect(own.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'portcullis_operation_duration_seconds',
        'portcullis_denied_fields_total',
        'portcullis_limits_exceeded_total',
      ]),
    )
  })

  /** Metrics without an observation have no labels yet: they have those of the documentation. */
  function known(): Map<string, Metric> {
    return new Map(
      [...metrics].map(([name, { type, labels }]) => [
        name,
        { type, labels: labels.size > 0 ? labels : new Set(documentedLabels(name)) },
      ]),
    )
  }

  interface Panel {
    readonly title: string
    readonly type: string
    readonly datasource?: { readonly uid: string }
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
  }

  const dashboard = JSON.parse(readFileSync('deploy/grafana/portcullis.json', 'utf8')) as {
    readonly panels: readonly Panel[]
    readonly templating: { readonly list: readonly { name: string; type: string }[] }
  }
  const panels = dashboard.panels.filter(({ type }) => type !== 'row')

  test.each(panels)('the queries of the panel "$title" are about metrics that exist', (panel) => {
    expect(panel.datasource!.uid).toBe('${datasource}')
    const faults = panel.targets!.flatMap(({ expr, legendFormat }) => {
      const query = expr.replaceAll('$__rate_interval', '5m')
      const legend = [...legendFormat.matchAll(/{{(\w+)}}/g)].map(([, label]) => label!)
      const grouped = legend.filter((label) => !new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr))
      return [
        ...faultsOf(query, known()),
        ...grouped.map((label) => `the legend has ${label}, by which nothing is grouped`),
      ]
    })
    expect(faults).toEqual([])
  })

  test('every metric of the gateway is on the dashboard', () => {
    const queries = panels.flatMap(({ targets }) => targets!.map(({ expr }) => expr)).join('\n')
    expect([...documented.keys()].filter((name) => !queries.includes(name))).toEqual([])
    const variables = dashboard.templating.list.map(({ name, type }) => ({ name, type }))
    expect(variables).toContainEqual({ name: 'datasource', type: 'datasource' })
  })

  const { groups } = parse(readFileSync('deploy/prometheus/alerts.yaml', 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[]
  }
  const alerts = groups.flatMap(({ rules }) => rules)

  test.each(alerts)('$alert is about metrics that exist, and says what to do', (alert) => {
    expect(faultsOf(alert.expr, known())).toEqual([])
    expect(alert.annotations.summary).toBeDefined()
    const [page, anchor] = alert.annotations.runbook!.split('#')
    expect(anchors(page!)).toContain(anchor)
  })

  test('clients that go away are no failures of a subgraph', () => {
    const queries = [...panels.flatMap(({ targets }) => targets!), ...alerts].map(
      ({ expr }) => expr,
    )
    const failures = queries.filter((query) => /subgraph_duration_seconds_count{[^}]*!/.test(query))
    expect(failures).toHaveLength(2)
    for (const query of failures) expect(query).toContain('outcome!~"answered|cancelled"')
  })

  test('of several processes, the event-loop delay is that of the slowest', async () => {
    const delay = 'nodejs_eventloop_lag_p99_seconds'
    const processes = [0.01, 0.5, 0.01].map(async (seconds) => {
      const { registry } = gatewayMetrics({ linesLost: () => 0, addOperation: () => [] })
      const metrics = await registry.getMetricsAsJSON()
      return metrics.map((metric) =>
        metric.name === delay ? { ...metric, values: [{ labels: {}, value: seconds }] } : metric,
      )
    })
    const sums = await addedUp((await Promise.all(processes)) as ProcessMetrics[]).metrics()
    expect(sums).toMatch(new RegExp(`^${delay} 0\\.5$`, 'm'))
  })

  test.each([
    ['sum(rate(portcullis_requests_total[5m]))', 'there is no metric portcullis_requests_total'],
    ['sum(portcullis_graphql_errors_total)', 'portcullis_graphql_errors_total is a counter'],
    ['rate(portcullis_serving_processes[5m])', 'portcullis_serving_processes is a gauge'],
    [
      'sum(rate(portcullis_overhead_seconds[5m]))',
      'there is no metric portcullis_overhead_seconds',
    ],
    [
      'sum(rate(portcullis_graphql_errors_total{status="500"}[5m]))',
      'portcullis_graphql_errors_total has no label status',
    ],
    [
      'sum by (guard) (rate(portcullis_graphql_errors_total[5m]))',
      'sum by (guard) (rate(portcullis_graphql_errors_total[5m])) is grouped by guard, which is no label',
    ],
    [
      'histogram_quantile(0.9, sum(rate(portcullis_overhead_seconds_bucket[5m])))',
      'a quantile without le',
    ],
    ['sum(rate(portcullis_graphql_errors_total[5m])', 'a syntax error at character 45'],
  ])('a wrong query is found: %s', (query, fault) => {
    expect(faultsOf(query, known())).toEqual([fault])
  })
})
