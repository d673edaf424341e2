/**
 * The clients of the benchmark, in a process of their own. They have several addresses, as one address
 * has about 28,000 ports; and they count events without reading more of them than the number.
 */
import { Agent, request } from 'node:http'
import WebSocket from 'ws'
import { subscription } from './live-setting.ts'

/** What the benchmark asks for: more connections, or how many have received an event. */
export type ClientsCommand =
  | {
      readonly open: Transport
      readonly count: number
      readonly url: string
      readonly tokens: string[]
    }
  | { readonly await: number; readonly count: number; readonly atMost: number }

/** A WebSocket without an operation, a WebSocket with a subscription, or an event stream. */
export type Transport = 'idle WebSocket' | 'WebSocket' | 'event stream'

/** How many connections are opened at the same time. */
const atOnce = 50
const addresses = 8

const agent = new Agent({ keepAlive: false })
const received = new Map<number, number>()
let opened = 0
let waiting: { event: number; count: number; done: () => void } | undefined

process.on('disconnect', () => process.exit(0))
process.on('message', (command: ClientsCommand) => {
  const work = 'open' in command ? open(command) : counted(command)
  work.then(
    (count) => process.send!({ count }),
    (cause: unknown) => {
      console.error(cause)
      process.exit(1)
    },
  )
})
process.send!({ ready: true })

async function open({ open, count, url, tokens }: Extract<ClientsCommand, { open: Transport }>) {
  const connect = open === 'event stream' ? eventStream : webSocket
  for (let left = count; left > 0; left -= atOnce) {
    const batch = Array.from({ length: Math.min(left, atOnce) }, () => {
      const number = opened++
      const localAddress = `127.0.0.${2 + (number % addresses)}`
      const token = tokens[number % tokens.length]!
      return connect({ url, localAddress, token, subscribes: open !== 'idle WebSocket' })
    })
    await Promise.all(batch)
  }
  return opened
}

interface ToConnect {
  readonly url: string
  readonly localAddress: string
  readonly token: string
  readonly subscribes: boolean
}

/** Resolves when the connection is acknowledged. */
function webSocket({ url, localAddress, token, subscribes }: ToConnect): Promise<void> {
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws', {
    localAddress,
    perMessageDeflate: false,
    skipUTF8Validation: true,
  })
  const send = (message: object) => socket.send(JSON.stringify(message))
  return new Promise((resolve, reject) => {
    socket.on('open', () =>
      send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }),
    )
    socket.on('error', reject)
    socket.on('close', (code, reason) => reject(new Error(`closed: ${code} ${reason}`)))
    socket.on('message', (data: Buffer) => {
      const text = data.toString('latin1')
      if (!text.startsWith('{"type":"connection_ack"')) return count(text)
      if (subscribes) send({ id: '1', type: 'subscribe', payload: { query: subscription } })
      resolve()
    })
  })
}

/** Resolves when the stream is open. */
function eventStream({ url, localAddress, token }: ToConnect): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
    }
    const sent = request(url, { method: 'POST', agent, localAddress, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`))
      response.setEncoding('latin1').on('data', count).on('error', reject)
      resolve()
    })
    sent.on('error', reject)
    sent.end(JSON.stringify({ query: subscription }))
  })
}

function count(text: string): void {
  const [, number] = /"price":(\d+)/.exec(text) ?? []
  if (number === undefined) return
  const event = Number(number)
  const times = (received.get(event) ?? 0) + 1
  received.set(event, times)
  if (waiting?.event === event && waiting.count <= times) waiting.done()
}

/** Returns how many have received the event, once that is all of them or the time is over. */
function counted({ await: event, count, atMost }: Extract<ClientsCommand, { await: number }>) {
  const times = () => received.get(event) ?? 0
  return new Promise<number>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      waiting = undefined
      resolve(times())
      received.clear()
    }
    const timer = setTimeout(done, atMost)
    waiting = { event, count, done }
    if (times() >= count) done()
  })
}
