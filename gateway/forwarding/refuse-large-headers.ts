/** How large the part of a request to a subgraph may be that a client chooses. */
import type { Caller } from '../client-request.ts'
import { GatewayError } from '../errors.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'
import type { HeaderRule } from './header-rules.ts'

/**
 * The most characters of the headers, with their names. Servers refuse a larger head (Node.js one of 16 KB), in which
 * there are the claims header and those of the transport as well.
 */
const most = 8 * 1024

const message =
  'The headers that pass to a subgraph are larger than 8 KB together: send fewer or shorter headers and cookies'

/** What `name: value` and its end take beside name and value. */
const besides = 4

/** What one subgraph gets of a client as the client has sent it. */
export interface TakenFromClient {
  readonly list: readonly ForwardedHeader[]
  readonly rules: readonly HeaderRule[]
}

/**
 * Returns the function that refuses a caller of whom more than 8 KB would be forwarded to any of the subgraphs, with
 * 431 (RFC 6585 section 5). Undefined: nothing is forwarded.
 */
export function refuseLargeHeaders(
  subgraphs: readonly TakenFromClient[],
): ((caller: Caller) => void) | undefined {
  const taking = subgraphs.filter(({ list }) => list.length > 0)
  if (taking.length === 0) return undefined
  const all = taking.map(({ list }) => forwardedHeaders(list).headers)
  const copies = Math.max(...taking.map(({ rules }) => 1 + rules.filter(renames).length))

  return (caller) => {
    if (sizeOfAll(caller) * copies <= most) return
    const isTooLarge = all.some((headersOf) => sizeOf(headersOf(caller)) > most)
    if (isTooLarge) throw new GatewayError('REQUEST_HEADERS_TOO_LARGE', { message })
  }
}

/** With another name, a header may pass once more. */
function renames(rule: HeaderRule): boolean {
  return 'propagate' in rule && rule.propagate.rename !== undefined
}

/** Returns the size of all that can be forwarded, which is small for most requests. */
function sizeOfAll({ headers = {}, accessToken = '' }: Caller): number {
  let size = accessToken.length
  for (const name in headers) {
    for (const value of headers[name] ?? []) size += name.length + value.length + besides
  }
  return size
}

function sizeOf(headers: Headers): number {
  let size = 0
  for (const name in headers) size += name.length + headers[name]!.length + besides
  return size
}
