/** What subgraphs add to the response to a client: cookies, headers and extensions, as far as rules let them. */
import type { AddedToResponse, PassedHeader, PassedParts } from '../client-request.ts'
import { cacheControlText, readCacheControl, strictest } from './cache-control.ts'
import type { CacheControl } from './cache-control.ts'

/** The most characters of a value that is put together of several. */
const longestValue = 4 * 1024

/** The most characters of all headers, with their names: proxies and clients refuse a larger head. */
const mostTogether = 8 * 1024

/** One object per request. With nothing configured, it stays as it is. */
export class Additions implements AddedToResponse {
  /** By name, from the first response that had it. */
  extensions: Readonly<Record<string, unknown>> | undefined
  /** By the name of the cookie: a later value replaces an earlier one (RFC 6265 section 4.1.1). */
  #setCookies: Map<string, string> | undefined
  #headers: Map<string, MergedHeader> | undefined
  #sizeOfHeaders = 0
  #cacheControl: CacheControl | undefined

  add({ setCookies = [], headers = [], extensions }: PassedParts): void {
    for (const value of setCookies) {
      this.#setCookies ??= new Map()
      this.#setCookies.set(value.slice(0, value.indexOf('=')).trim(), value)
    }
    for (const header of headers) this.#addHeader(header)
    if (extensions) this.extensions = { ...extensions, ...this.extensions }
  }

  /** Adds the headers by rule that another element of a batch has got, by the same rules. */
  addHeadersOf(other: Additions): void {
    for (const [name, { algorithm, values }] of other.#headers ?? []) {
      for (const value of values) this.#addHeader({ name, value, algorithm })
    }
  }

  /** Returns the headers of the response; undefined if there are none. `Cache-Control` is not among them. */
  headers(): Readonly<Record<string, string | string[]>> | undefined {
    if (!this.#headers && !this.#setCookies) return undefined
    const headers: Record<string, string | string[]> = {}
    for (const [name, { values }] of this.#headers ?? []) headers[name] = values.join(', ')
    if (this.#setCookies) headers['set-cookie'] = [...this.#setCookies.values()]
    return headers
  }

  /** Returns the strictest `Cache-Control` of all responses; undefined if the response must not be cached. */
  cacheControl(): string | undefined {
    if (!this.#cacheControl || this.#setCookies) return undefined
    return cacheControlText(this.#cacheControl)
  }

  #addHeader({ name, value, algorithm, age }: PassedHeader): void {
    if (algorithm === 'strictest') {
      const read = readCacheControl(value, age)
      this.#cacheControl = this.#cacheControl ? strictest(this.#cacheControl, read) : read
      return
    }
    const headers = (this.#headers ??= new Map())
    const known = headers.get(name)?.values
    const values = known ? mergedBy[algorithm](known, value) : [value]
    const growth = lengthOf(values) - (known ? lengthOf(known) : -name.length)
    if (this.#sizeOfHeaders + growth > mostTogether) return
    this.#sizeOfHeaders += growth
    headers.set(name, { algorithm, values })
  }
}

/** A header with the values of several responses, joined where it is written. */
interface MergedHeader {
  readonly algorithm: 'first' | 'last' | 'append'
  readonly values: readonly string[]
}

const mergedBy = {
  first: (known: readonly string[]) => known,
  last: (_known: readonly string[], value: string) => [value],
  append: appended,
} as const

/** Returns the list with one more value (RFC 9110 section 5.3), unless it has it, or would be too long. */
function appended(list: readonly string[], value: string): readonly string[] {
  const isThere = list.some((one) => one.split(', ').includes(value))
  return isThere || lengthOf(list) + value.length > longestValue ? list : [...list, value]
}

function lengthOf(values: readonly string[]): number {
  return values.join(', ').length
}
