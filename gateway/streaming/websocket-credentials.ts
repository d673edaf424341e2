/** The credentials that messages of a WebSocket bring: browsers cannot set headers. */
import type { RequestHeaders } from '../http/http-message.ts'
import { isObject } from '../values/json.ts'

type Payload = Readonly<Record<string, unknown>>

/** Returns whether one of the headers with these names, in lower case, has a value. */
export function hasCredential(headers: RequestHeaders, names: readonly string[]): boolean {
  return names.some((name) => headers[name]?.some((value) => value.trim()))
}

/** Returns the headers with the credentials of a payload; the same object if it has none. */
export function withCredentials(
  headers: RequestHeaders,
  payload: Payload,
  names: readonly string[],
): RequestHeaders {
  const added = credentialsIn(payload, names)
  if (added.length === 0) return headers
  const all: Record<string, readonly string[] | undefined> = { ...headers }
  // Two that differ are ambiguous, as two headers are.
  for (const [name, value] of added) all[name] = [...new Set([...(all[name] ?? []), value])]
  return all
}

/** Returns the headers with the credentials of a payload instead of their own; undefined if it has none. */
export function onlyCredentials(
  headers: RequestHeaders,
  payload: unknown,
  names: readonly string[],
): RequestHeaders | undefined {
  if (!isObject(payload)) return undefined
  const own = ['cookie', ...names].map((name) => [name, undefined])
  const others: RequestHeaders = { ...headers, ...Object.fromEntries(own) }
  const given = withCredentials(others, payload, names)
  return hasCredential(given, names) ? given : undefined
}

function credentialsIn(payload: Payload, names: readonly string[]) {
  const given = [payload, isObject(payload['headers']) ? payload['headers'] : {}]
  return given
    .flatMap((record) => Object.entries(record))
    .filter(([name, value]) => typeof value === 'string' && names.includes(name.toLowerCase()))
    .map(([name, value]) => [name.toLowerCase(), value as string] as const)
}
