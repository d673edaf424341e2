/** Which program a request comes from, by the headers that GraphQL clients send. */
import type { RequestHeaders } from '../http/http-message.ts'

const mostCharacters = 64
const headersWith = {
  name: ['apollographql-client-name', 'graphql-client-name'],
  version: ['apollographql-client-version', 'graphql-client-version'],
} as const

const usual = /^[\x20-\x7e]{1,64}$/

/** Returns the name or the version of the client: visible ASCII, at most 64 characters. */
export function clientLabel(headers: RequestHeaders, part: 'name' | 'version'): string | undefined {
  for (const header of headersWith[part]) {
    const value = headers[header]?.[0]
    if (value === undefined) continue
    if (usual.test(value)) return value
    const visible = value.slice(0, 4 * mostCharacters).replaceAll(/[^\x20-\x7e]/g, '')
    if (visible) return visible.slice(0, mostCharacters)
  }
  return undefined
}
