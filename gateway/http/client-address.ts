import type { IncomingMessage } from 'node:http'
import express from 'express'

/** Where a request comes from. */
export interface RequestOrigin {
  /** The address of the client, or of the last proxy that is not trusted. */
  readonly clientAddress: string | undefined
  /** Whether a trusted proxy sent it, whose headers about the client count. */
  readonly isFromTrustedProxy: boolean
}

/**
 * Returns the function that finds where a request comes from, for requests that do not pass through Express:
 * by the same rules.
 */
export function requestOrigins(
  trustedProxies: number | string[],
): (request: IncomingMessage) => RequestOrigin {
  const trusts = express().set('trust proxy', trustedProxies).get('trust proxy fn') as (
    address: string,
    hop: number,
  ) => boolean

  return ({ socket, headers }) => {
    const forwarded = String(headers['x-forwarded-for'] ?? '').split(',')
    const proxies = forwarded.map((address) => address.trim()).filter(Boolean)
    const hops = [socket.remoteAddress ?? '', ...proxies.reverse()]
    const untrusted = hops.findIndex((address, hop) => !trusts(address, hop))
    return {
      clientAddress: hops.at(untrusted) || undefined,
      isFromTrustedProxy: trusts(hops[0]!, 0),
    }
  }
}
