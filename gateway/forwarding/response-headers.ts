/** Headers of a subgraph's response that the client gets. */
import type { PassedHeader } from '../client-request.ts'
import { mayMatchForClient, whyNeverReturned } from './header-names.ts'
import { headerRules } from './header-rules.ts'
import type { HeaderRule, ReceivedHeaders } from './header-rules.ts'

/** Returns the headers of a response that pass. Names and values take turns, as undici has read them. */
export type ReadPassedHeaders = (headers: readonly Buffer[]) => readonly PassedHeader[]

/** The most characters of a value. */
const longestValue = 4 * 1024

/** What is read of the `Cache-Control` of a subgraph. */
export type CacheControlReading =
  /** Nothing: no response to a client may be cached. */
  | 'not read'
  /** What it says if a rule names it, else that the response must not be cached. */
  | 'as it says'
  /** That the response must not be cached: it may depend on what no `Vary` can name. */
  | 'never cached'

/** Returns the function that reads the headers that the rules name. */
export function responseHeaders(
  rules: readonly HeaderRule[],
  reading: CacheControlReading,
): ReadPassedHeaders {
  const apply = headerRules(rules, (name) => !whyNeverReturned(name), mayMatchForClient)
  return (headers) => {
    const all = received(headers)
    const passed: PassedHeader[] = []
    let cacheControl = ''
    for (const [name, { value, rule }] of apply(all)) {
      if (name === 'cache-control') cacheControl = value
      else if (mayBeWritten(value))
        passed.push({ name, value, algorithm: rule.algorithm ?? 'first' })
    }
    if (reading === 'not read') return passed
    const value = reading === 'as it says' && !isForOneRequest(all) ? cacheControl : 'no-store'
    passed.push({ name: 'cache-control', value, algorithm: 'strictest', age: ageOf(all) })
    return passed
  }
}

/** Returns the seconds of `Age`, which a cache before the subgraph writes; of several, the first one counts. */
function ageOf({ age }: ReceivedHeaders): number | undefined {
  const seconds = /^\d{1,10}/.exec(age?.[0] ?? '')
  return seconds ? Number(seconds[0]) : undefined
}

/** `Vary: *` means that no other request gets the same response (RFC 9111 section 4.1). */
function isForOneRequest({ vary = [] }: ReceivedHeaders): boolean {
  return vary.some((value) => value.includes('*'))
}

/** Node writes a head in UTF-8 or in latin1, as the body happens to be: only ASCII is the same in both. */
function mayBeWritten(value: string): boolean {
  return value.length <= longestValue && /^[\t\x20-\x7e]*$/.test(value)
}

function received(headers: readonly Buffer[]): Record<string, string[]> {
  const all: Record<string, string[]> = Object.create(null)
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!.toString('latin1').toLowerCase()
    const value = headers[index + 1]!.toString('latin1')
    ;(all[name] ??= []).push(value)
  }
  return all
}
