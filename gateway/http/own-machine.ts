/** Whether a request is one of this machine, of somebody who has the address of the gateway itself. */
import type { IncomingHttpHeaders } from 'node:http'
import { plainAddress } from '../../subgraphs/kit/ip-address.ts'

/** Returns whether only programs of this machine reach a server that listens there. */
export function isLoopback(host: string): boolean {
  const address = plainAddress(host)
  return host === 'localhost' || address === '::1' || address?.startsWith('127.') === true
}

/** What proxies and tunnels add. */
const ofProxies = /^(?:forwarded|via|x-forwarded-.+|x-real-ip)$/

/**
 * Returns whether a request to a server that listens at a loopback address came without a proxy, and under a name of
 * this machine: another name may belong to the page of a stranger that has resolved it to 127.0.0.1 (DNS rebinding).
 */
export function isOfThisMachine(headers: IncomingHttpHeaders): boolean {
  if (Object.keys(headers).some((name) => ofProxies.test(name))) return false
  const url = `http://${headers.host}`
  return URL.canParse(url) && isLoopback(new URL(url).hostname)
}
