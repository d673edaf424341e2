import type { IncomingMessage } from 'node:http'
import type { Logger } from 'pino'

export type ReportForwardedAddress = (request: IncomingMessage) => void

/**
 * Returns a function to call with each request with an untrusted X-Forwarded-For. It logs one warning:
 * behind a proxy that is not configured all clients have one address, and share its limits.
 */
export function forwardedAddressReport(log: Pick<Logger, 'warn'>): ReportForwardedAddress {
  let isReported = false
  return ({ socket }) => {
    if (isReported) return
    isReported = true
    log.warn(
      { from: socket.remoteAddress },
      'X-Forwarded-For arrives from an address that is not a trusted proxy, and is ignored: ' +
        'if it is a proxy of yours, set http.trusted_proxies, or all clients share its limits',
    )
  }
}
