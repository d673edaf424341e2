/** How a process stops listening. */
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { expect, test } from '@jest/globals'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { Listening } from '../../subgraphs/kit/process/listen.ts'
import { until } from '../support/until.ts'

const responseTime = 150

async function slowServer(onRequest: () => void): Promise<Listening> {
  return listen(
    (_request, response) => {
      onRequest()
      setTimeout(() => response.writeHead(200, { 'content-length': 2 }).end('ok'), responseTime)
    },
    { host: '127.0.0.1', port: 0, portSetting: 'PORT' },
  )
}

function get(origin: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(origin, { agent }, (response: IncomingMessage) => {
      response.resume().on('end', () => resolve(String(response.statusCode)))
      response.on('error', (cause) => resolve(cause.message))
    })
    sent.on('error', (cause: NodeJS.ErrnoException) => resolve(cause.code ?? cause.message))
    sent.end()
  })
}

test('a server that closes cuts off no request of clients that reuse their connections', async () => {
  let received = 0
  const { origin, close } = await slowServer(() => received++)
  const agent = new Agent({ keepAlive: true })
  const outcomes: string[] = []
  const clients = Array.from({ length: 8 }, async () => {
    do outcomes.push(await get(origin, agent))
    while (outcomes.at(-1) === '200')
  })
  await until(() => received > 16)
  const asked = performance.now()
  await close()
  expect(performance.now() - asked).toBeLessThan(3_000)
  await Promise.all(clients)
  agent.destroy()

  // Whatever else a client saw, the server had not received its request.
  expect(outcomes.filter((outcome) => outcome === '200')).toHaveLength(received)
})

test('a server closes as soon as its last response has been sent', async () => {
  let received = 0
  const { origin, close } = await slowServer(() => received++)
  const agent = new Agent({ keepAlive: true })
  const outcome = get(origin, agent)
  await until(() => received === 1)
  const asked = performance.now()
  await close()
  expect(performance.now() - asked).toBeLessThan(3_000)
  expect(await outcome).toBe('200')
  agent.destroy()
})
