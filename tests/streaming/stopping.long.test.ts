/** Gateways that stop, or lose a worker, while clients listen. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startGatewayProcess } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { gatewaySecret } from '../support/running-gateway.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { until } from '../support/until.ts'
import { openLiveGraph } from './live-graph.ts'
import type { LiveGraph } from './live-graph.ts'

const folder = scratchFolder()
const query = 'subscription { priceChanged { price } }'
let graph: LiveGraph
beforeAll(async () => {
  graph = await openLiveGraph(`
subscriptions: { connections_per_caller: 1000 }
subgraphs: { all: { subscription_reconnect: 0s } }
`)
})
afterAll(() => graph.close())

async function start(workers: number): Promise<GatewayProcess> {
  const supergraph = join(folder, 'supergraph.graphql')
  writeFileSync(supergraph, graph.supergraph)
  const gateway = await startGatewayProcess({
    folder,
    supergraph,
    config: `${graph.config}workers: ${workers}\n`,
    environment: { GATEWAY_SECRET: gatewaySecret },
  })
  return gateway
}

describe.each([1, 2])('with %i workers', (workers) => {
  test('SIGTERM ends 100 subscriptions so that their clients come back, and the process with 0', async () => {
    const gateway = await start(workers)
    const url = `${gateway.origin.replace('http', 'ws')}/graphql`
    const closes: unknown[] = []
    const failures: unknown[] = []
    for (let count = 0; count < 50; count++) {
      const options = {
        url,
        retryAttempts: 0,
        on: { closed: (event: unknown) => closes.push(event) },
      }
      graph
        .ws(options)
        .iterate({ query })
        .next()
        .catch((error: unknown) => failures.push(error))
    }
    const ends = Array.from({ length: 50 }, async (_, count) => {
      const accept = count % 2 ? 'text/event-stream' : 'multipart/mixed;subscriptionSpec=1.0'
      const response = await fetch(`${gateway.origin}/graphql`, {
        method: 'POST',
        headers: { accept, 'content-type': 'application/json' },
        body: JSON.stringify({ query }),
      })
      return response.text()
    })
    await graph.listening(100)
    gateway.child.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
    expect(new Set(await Promise.all(ends))).toEqual(
      new Set([
        ':\n\n',
        expect.stringMatching(
          /\{"payload":null,"errors":\[\{.*"code":"SUBSCRIPTION_SERVER_SHUTDOWN".*\]\}\r\n--graphql--\r\n$/,
        ),
      ]),
    )
    await until(() => closes.length === 50)
    expect(new Set(closes.map((close) => (close as { code: number }).code))).toEqual(
      new Set([1012]),
    )
    await graph.listening(0)
    expect(gateway.log().filter(({ level }) => (level as number) > 40)).toEqual([])
  })
})

test('a client whose worker is killed comes back to another one', async () => {
  const gateway = await start(2)
  const url = `${gateway.origin.replace('http', 'ws')}/graphql`
  const prices = (async function* () {
    for await (const { data } of graph.ws({ url, retryAttempts: 20 }).iterate<any>({ query })) {
      yield data!['priceChanged'].price as number
    }
  })()
  const first = prices.next()
  await graph.listening(1)
  graph.changePrice(1)
  expect((await first).value).toBe(1)
  const second = prices.next()
  const { processes } = await until(() => gateway.log().find((line) => line['processes']))
  let replaced = 0
  for (const worker of processes as number[]) {
    process.kill(worker, 'SIGKILL')
    replaced++
    const isReplacement = ({ msg }: Record<string, unknown>) =>
      msg === 'a worker has taken its place'
    await until(() => gateway.log().filter(isReplacement).length === replaced)
  }
  await graph.listening(1)
  graph.changePrice(2)
  expect((await second).value).toBe(2)
  await prices.return(undefined)
  gateway.child.kill('SIGTERM')
  await gateway.ended
})

test('a subgraph that stops ends its subscriptions with an error', async () => {
  const results = graph.sse().iterate({ query })
  const first = results.next()
  await graph.listening(1)
  await graph.stopProducts()
  expect((await first).value).toMatchObject({
    errors: [{ extensions: { code: 'SUBGRAPH_UNREACHABLE' } }],
  })
})
