/** How a process listens, and how it stops. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect, test } from '@jest/globals'
import { defaultLimits } from '../../subgraphs/kit/process/connection-limits.ts'
import { listen } from '../../subgraphs/kit/process/listen.ts'
import type { Listening } from '../../subgraphs/kit/process/listen.ts'
import { until } from '../support/until.ts'

const responseTime = 150
const anyPort = { host: '127.0.0.1', port: 0, portSetting: 'PORT' }

async function slowServer(onRequest: () => void): Promise<Listening> {
  return listen((_request, response) => {
    onRequest()
    setTimeout(() => response.writeHead(200, { 'content-length': 2 }).end('ok'), responseTime)
  }, anyPort)
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

/** Sends raw bytes and returns what comes back until the server closes the connection. */
async function exchange(origin: string, bytes: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(bytes)
  let received = ''
  for await (const chunk of socket.setEncoding('utf8')) received += chunk
  return received
}

async function connected(origin: string): Promise<Socket> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

const plainGet = 'GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'
const lastGet = 'GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

test('while it announces its end, a server accepts connections and closes each with its response', async () => {
  const { origin, close } = await slowServer(() => {})
  const closed = close({ announce: 1_000, finish: 1_000 })
  expect(await exchange(origin, plainGet)).toMatch(/^HTTP\/1.1 200 OK\r\n.*connection: close/is)
  expect(await closed).toBe(0)
  await expect(exchange(origin, plainGet)).rejects.toThrow('ECONNREFUSED')
})

test('a response that was in progress before the announcement closes its connection, too', async () => {
  let received = 0
  const { origin, close } = await slowServer(() => received++)
  const response = exchange(origin, plainGet)
  await until(() => received === 1)
  const closed = close()
  expect(await response).toMatch(/connection: close/i)
  await closed
})

test('requests that take longer than they may are cut off and counted', async () => {
  let received = 0
  const { origin, close } = await listen(() => received++, anyPort)
  const request = exchange(origin, plainGet)
  await until(() => received === 1)
  expect(await close({ announce: 0, finish: 50 })).toBe(1)
  expect(await request.catch(() => '')).toBe('')
})

test('a connection on which nothing was ever sent does not hold up the end', async () => {
  const { origin, close } = await slowServer(() => {})
  const silent = connect(Number(new URL(origin).port), '127.0.0.1')
  const ended = once(silent.resume(), 'close')
  await once(silent, 'connect')
  expect(await close({ announce: 0, finish: 20_000 })).toBe(0)
  await ended
})

test('headers and bodies that take too long get 408', async () => {
  const limits = { ...defaultLimits, headers: 100, request: 300 }
  const { origin, close } = await listen((request) => request.resume(), { ...anyPort, limits })
  const timedOut = /^HTTP\/1.1 408 Request Timeout\r\n/
  expect(await exchange(origin, 'GET / HTTP/1.1\r\nhost:')).toMatch(timedOut)
  const body = 'POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nabc'
  expect(await exchange(origin, body)).toMatch(timedOut)
  await close()
})

test('connections beyond the limit are closed at once, and reported once', async () => {
  const refusals: number[] = []
  const { origin, adjust, close } = await listen((_request, response) => response.end('ok'), {
    ...anyPort,
    limits: { ...defaultLimits, connections: 2 },
    onConnectionsRefused: (limit) => refusals.push(limit),
  })
  const open = await Promise.all([1, 2].map(() => connected(origin)))
  for (let tries = 0; tries < 3; tries++) {
    expect(await exchange(origin, plainGet).catch(() => '')).toBe('')
  }
  expect(refusals).toEqual([2])
  open[0]!.destroy()
  await once(open[0]!, 'close')
  await until(async () => (await exchange(origin, lastGet).catch(() => '')).endsWith('ok'))
  adjust({ ...defaultLimits, connections: 3 })
  const third = await connected(origin)
  third.write(lastGet)
  expect(String((await once(third, 'data'))[0])).toMatch(/ok$/)
  for (const socket of [open[1]!, third]) socket.destroy()
  await close()
})
