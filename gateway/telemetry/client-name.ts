/** Which program a request comes from, by the headers that GraphQL clients send. */
import type { RequestHeaders } from '../http/http-message.ts'

const mostCharacters = 64
const prefixes = ['apollographql-client', 'graphql-client'] as const

/** Returns the name or the version of the client: visible ASCII, at most 64 characters. */
export function clientLabel(headers: RequestHeaders, part: 'name' | 'version'): string | undefined {
  for (const prefix of prefixes) {
    const [value] = headers[`${prefix}-${part}`] ?? []
    const visible = value?.slice(0, 4 * mostCharacters).replaceAll(/[^\x20-\x7e]/g, '')
    if (visible) return visible.slice(0, mostCharacters)
  }
  return undefined
}
