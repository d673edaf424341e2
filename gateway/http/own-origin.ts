/** Whether a request comes from a page of the gateway's own origin: a browser sends cookies for other pages, too. */
import type { IncomingHttpHeaders } from 'node:http'

/** Returns whether an origin has the host that a request was sent to (RFC 6454 section 7). */
export function isOfHost(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

/**
 * Returns whether a page of another origin has sent a request. A browser says so itself (Fetch Metadata, section
 * 2.4), whatever name a proxy gives the gateway; older browsers send the origin. A program sends neither.
 */
export function isFromOtherOrigin(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const { origin, host } = headers
  return origin !== undefined && !isOfHost(origin, host)
}
