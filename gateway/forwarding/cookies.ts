/** Cookies that pass through the gateway: those that a subgraph is configured to have, and no others. */
import { writtenAsSelected } from './forwarded-headers.ts'
import type { ForwardedHeader, Headers } from './forwarded-headers.ts'

/** A cookie-pair of RFC 6265 section 4.1.1. */
const pairForm = /^([!#$%&'*+\-.^_`|~\w]+)=("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\2$/

/** Returns the entry of the `Cookie` header, with those of the client's cookies that are named. */
export function cookieHeader(names: readonly string[]): ForwardedHeader<Headers> {
  return writtenAsSelected(({ cookies = '' }): Headers => {
    const pairs = cookies.split(';').map((pair) => pair.trim())
    const named = pairs.filter((pair) => names.includes(pairForm.exec(pair)?.[1] ?? ''))
    return named.length > 0 ? { cookie: named.join('; ') } : {}
  })
}

/** Returns those values of `Set-Cookie` that set one of the named cookies. */
export function namedSetCookies(
  names: readonly string[],
  setCookie: string | readonly string[] | undefined,
): string[] {
  const values = typeof setCookie === 'string' ? [setCookie] : (setCookie ?? [])
  return values.filter((value) => names.includes(nameSet(value)))
}

function nameSet(value: string): string {
  return value.slice(0, value.indexOf('=')).trim()
}
