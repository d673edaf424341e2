/** An X-Forwarded-For that is not believed: the log says so once, whichever way the request came. */
import { afterEach, expect, test } from '@jest/globals'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'

const subgraph = { name: 'things', url: 'http://127.0.0.1:9/', sdl: 'type Query { thing: String }' }
let gateway: RunningGateway | undefined

afterEach(() => gateway?.close())

/** Sends what a proxy would, by each way into the gateway, twice; returns what the log says of it. */
async function reported(http: string): Promise<{ level: number; from: string }[]> {
  gateway = await runGateway(
    [subgraph],
    `http: ${http}
authentication:
  issuers:
    - { issuer: 'https://issuer.example', jwks_uri: 'https://issuer.example/keys', audiences: [x], algorithms: [ES256] }
`,
  )
  const forwarded = { 'x-forwarded-for': '203.0.113.9' }
  const json = { 'content-type': 'application/json' }
  const query = '{ __typename }'
  const post = (headers: Record<string, string>) =>
    fetch(gateway!.url, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify({ query }),
    })
  await post({})
  for (let round = 0; round < 2; round++) {
    for (const extra of [{}, { origin: 'https://page.example' }]) {
      expect((await post({ ...forwarded, ...extra })).status).toBe(200)
    }
    await fetch(`${gateway.url}?query=${encodeURIComponent(query)}`, {
      headers: { ...forwarded, ...json },
    })
  }
  return gateway.log
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => String(msg).startsWith('X-Forwarded-For arrives'))
}

test.each(['{ trusted_proxies: 0 }', '{ trusted_proxies: [10.0.0.0/8] }'])(
  'with %s it is reported once, as a warning',
  async (http) => {
    expect(await reported(http)).toMatchObject([{ level: 40, from: '127.0.0.1' }])
  },
)

test.each(['{ trusted_proxies: 1 }', '{ trusted_proxies: [127.0.0.1] }'])(
  'with %s it is believed',
  async (http) => {
    expect(await reported(http)).toEqual([])
  },
)
