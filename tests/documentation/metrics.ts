/** Every metric of the gateway is in a table of the documentation. */
import { expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { startIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import { pages, tableRows } from './pages.ts'

test('the metrics that /metrics serves are in the documentation, and no other', async () => {
  const issuer = await startIssuer()
  const issuers = [{ issuer: issuer.issuer, jwks_uri: issuer.jwksUri, audiences: ['portcullis'] }]
  const gateway = await runGateway(
    [{ name: 'users', url: 'http://127.0.0.1:9/graphql', sdl: 'type Query { users: String }' }],
    stringify({ authentication: { issuers }, metrics: { port: 0 } }),
  )
  try {
    const line = gateway.log.find((line) => line.includes('serving metrics'))!
    const { url } = JSON.parse(line) as { url: string }
    const text = await (await fetch(url)).text()
    const served = [...text.matchAll(/^# TYPE (portcullis_\w+)/gm)].map(([, name]) => name!)
    const documented = pages
      .flatMap((page) => tableRows(page))
      .map(({ cells }) => cells[0]!.replaceAll('`', ''))
      .filter((name) => name.startsWith('portcullis_'))
    expect(documented.sort()).toEqual(served.sort())
  } finally {
    await gateway.close()
    await issuer.close()
  }
})
