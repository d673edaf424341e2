/** The headers of a request by name, each with all of its values. */
import type { IncomingMessage } from 'node:http'
import type { RequestHeaders } from './http-message.ts'

/**
 * Returns every header of a request by its lower-case name. It takes the place of `headersDistinct`, which throws in
 * Node up to 20.20.1 for a header that is called `__proto__` or `constructor` (CVE-2026-21710): that would end the
 * process.
 */
export function distinctHeaders({
  rawHeaders,
}: Pick<IncomingMessage, 'rawHeaders'>): RequestHeaders {
  const headers: Record<string, string[]> = Object.create(null)
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase()
    const value = rawHeaders[index + 1]!
    const values = headers[name]
    if (values) values.push(value)
    else headers[name] = [value]
  }
  return headers
}
