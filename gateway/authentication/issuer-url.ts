import { plainAddress } from '../../subgraphs/kit/ip-address.ts'

/** Returns why keys must not be fetched from that address, or undefined. */
export function faultOfUrl(text: string, allowHttp: boolean): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) return 'expected an https URL'
  if (url.username || url.password) return 'must not hold credentials'
  if (url.protocol === 'https:' || allowHttp || isThisMachine(url.hostname)) return undefined
  return 'expected https, or an address of this machine (allow_http: true lifts this)'
}

/** Returns whether a host is this machine: loopback, or the address that means all of its addresses. */
export function isThisMachine(hostname: string): boolean {
  if (hostname === 'localhost' || hostname.endsWith('.localhost')) return true
  const address = plainAddress(hostname)
  if (address === undefined) return false
  return address.startsWith('127.') || ['::1', '::', '0.0.0.0'].includes(address)
}
