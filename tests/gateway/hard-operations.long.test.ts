/** Operations for which the planner would search for a plan without end. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { send } from '../../scripts/walkthrough/send.ts'
import { startIssuer } from '../support/issuer.ts'
import type { TestIssuer } from '../support/issuer.ts'
import { runGateway } from '../support/running-gateway.ts'
import type { RunningGateway } from '../support/running-gateway.ts'
import { until } from '../support/until.ts'
import { nestedOperation, sharedNodes } from '../support/shared-nodes.ts'

const planningTime = 2_000

const aliases = Array.from({ length: 150 }, (_, index) => `anotherName${index}`)
const aliased = aliases.map((alias) => [alias, 'one'] as const)

let issuer: TestIssuer
let subgraph: Server
let gateway: RunningGateway

beforeAll(async () => {
  issuer = await startIssuer()
  subgraph = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({ data: { node: Object.fromEntries([['f1', 'one'], ...aliased]) } }),
      )
    })
  })
  await new Promise<void>((ready) => subgraph.listen(0, '127.0.0.1', ready))
  gateway = await start('')
})
afterAll(async () => {
  await gateway.close()
  subgraph.close()
  await issuer.close()
})

function start(engine: string): Promise<RunningGateway> {
  const url = `http://127.0.0.1:${(subgraph.address() as AddressInfo).port}/`
  return runGateway(
    sharedNodes(url, { hasOneKey: false }),
    `${engine}
authentication:
  issuers:
    - issuer: ${issuer.issuer}
      jwks_uri: ${issuer.jwksUri}
      audiences: [portcullis]
      algorithms: [ES256]
http:
  deadline: 2m
limits:
  planning_time: ${planningTime}ms
`,
  )
}

const tooComplex = {
  message: expect.stringContaining('too long to plan'),
  extensions: { code: 'OPERATION_TOO_COMPLEX', reason: 'OPERATION_TOO_COMPLEX' },
}

function ask(query: string) {
  return send(gateway.url, { query })
}

/** Planning it would take hours. */
function hardOperation(name: string): string {
  return nestedOperation(name, 7)
}

/** Short, or so long that it is not planned on the serving thread. */
function easyOperation(index: number, { isLong }: { isLong: boolean }): string {
  const more = isLong ? aliases.map((alias) => `${alias}: f1`) : []
  return `query Easy${index} { node { f1 ${more.join(' ')} } }`
}

test('an operation that takes too long to plan is refused, and immediately when sent again', async () => {
  const hard = hardOperation('Hard')
  const start = performance.now()
  const first = await ask(hard)
  const took = performance.now() - start
  expect(first).toMatchObject({ status: 400, data: null, errors: [tooComplex] })
  expect(took).toBeGreaterThanOrEqual(planningTime)

  const again = Promise.all(Array.from({ length: 20 }, () => ask(hard)))
  const another = ask(hardOperation('Another'))
  const isAgainFirst = await Promise.race([again.then(() => true), another.then(() => false)])
  expect(isAgainFirst).toBe(true)
  for (const one of await again) expect(one).toEqual(first)
  expect(await another).toEqual(first)
})

test('operations that are easy to plan do not wait for hard ones, which leave no memory behind', async () => {
  const memory = process.memoryUsage().rss
  let refused = 0
  const hard = Array.from({ length: 5 }, async (_, index) => {
    const refusal = await ask(hardOperation(`Hard${index}`))
    refused++
    return refusal
  })
  for (let index = 0; index < 10; index++) {
    const { data, errors } = await ask(easyOperation(index, { isLong: index % 2 === 0 }))
    expect(errors).toEqual([])
    expect(data?.node.f1).toBe('one')
  }
  expect(refused).toBeLessThan(4)
  for (const refusal of await Promise.all(hard)) {
    expect(refusal).toMatchObject({ status: 400, errors: [tooComplex] })
  }
  await until(() => process.memoryUsage().rss < memory + 150 * 1024 * 1024)
})

test('a refused operation is logged once, as a warning', () => {
  const lines = gateway.log.map(
    (line) => JSON.parse(line) as { level: number; operationName?: string },
  )
  expect(lines.filter(({ level }) => level > 40)).toEqual([])
  const refused = lines.filter(({ level }) => level === 40).map((line) => line.operationName)
  expect(refused.filter((name) => name === 'Hard')).toEqual(['Hard'])
})

test('@apollo/gateway is not asked to plan what is estimated to take too long', async () => {
  const reference = await start('engine: apollo')
  try {
    const { status, errors } = await send(reference.url, { query: hardOperation('Hard') })
    expect({ status, errors }).toEqual({ status: 400, errors: [tooComplex] })
    const easy = await send(reference.url, { query: easyOperation(1, { isLong: true }) })
    expect(easy.data?.node.f1).toBe('one')
  } finally {
    await reference.close()
  }
})
