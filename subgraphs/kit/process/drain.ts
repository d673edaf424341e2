/** How a server stops without losing a request. */
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Slots } from './slots.ts'

/** In milliseconds. */
export interface DrainTimes {
  /** How long connections are still accepted, while each response asks its client to reconnect. */
  readonly announce: number
  /** How long the requests in progress may take after that. */
  readonly finish: number
}

/** Outside production: no balancer has to notice that the process stops. */
export const promptDrain: DrainTimes = { announce: 0, finish: 25_000 }

/** In production: a balancer that asks `/ready` every two seconds notices twice. */
export const announcedDrain: DrainTimes = { announce: 5_000, finish: 25_000 }

/** The shortest announcement: busy clients get a response that closes their connection meanwhile. */
const leastAnnounce = 100
/** How often connections without a request are closed after it, in milliseconds. */
const sweepPeriod = 50
/** A connection that has sent nothing for that long after it was accepted will not, in milliseconds. */
const firstByteTime = 500

/** Returns the function that stops the server, and returns how many requests were cut off. */
export function drainable(server: Server): (times: DrainTimes) => Promise<number> {
  const connections = new Slots<Socket>()
  const underWay = new Slots<ServerResponse>()
  let isDraining = false

  server.on('connection', (socket) => {
    const slot = connections.add(socket)
    socket.once('close', () => connections.remove(slot))
  })
  // Before the handler, which may send the response at once.
  server.prependListener('request', (_request, response) => {
    const slot = underWay.add(response)
    response.on('close', () => underWay.remove(slot))
    if (isDraining) askToReconnect(response)
  })

  return async ({ announce, finish }) => {
    isDraining = true
    // Their connections would be closed right after the response, as the next request arrives.
    for (const response of underWay.all()) askToReconnect(response)
    await delay(Math.max(announce, leastAnnounce))

    const closed = new Promise((resolve) => server.close(resolve))
    let cutOff = 0
    const finished = setTimeout(() => {
      cutOff = underWay.size
      server.closeAllConnections()
    }, finish)
    const sweep = setInterval(() => server.closeIdleConnections(), sweepPeriod)
    // Node counts a connection as idle only after its first request.
    const silence = setTimeout(() => {
      for (const socket of connections.all()) if (socket.bytesRead === 0) socket.destroy()
    }, firstByteTime)
    // Node limits the time for the headers of a request only while it accepts connections.
    const incomplete = setTimeout(() => {
      const busy = new Set(underWay.all().map(({ req }) => req.socket))
      for (const socket of connections.all()) if (!busy.has(socket)) socket.destroy()
    }, server.headersTimeout)
    await closed
    clearTimeout(incomplete)
    clearTimeout(finished)
    clearTimeout(silence)
    clearInterval(sweep)
    return cutOff
  }
}

/** Only the response can tell a client not to send another request on its connection. */
function askToReconnect(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
