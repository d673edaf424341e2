/** Cookies that pass through the gateway: those that one subgraph is configured to have, and no others. */

/** A cookie-pair of RFC 6265 section 4.1.1. */
const pairForm = /^([!#$%&'*+\-.^_`|~\w]+)=("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\2$/

/** Returns the `Cookie` header with the named cookies of the client's, or undefined without any. */
export function cookiesFor(names: readonly string[], header: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim())
  const own = pairs.filter((pair) => names.includes(pairForm.exec(pair)?.[1] ?? ''))
  return own.length > 0 ? own.join('; ') : undefined
}

/** Returns those `Set-Cookie` values that set one of the named cookies. */
export function cookiesSet(
  names: readonly string[],
  header: string | string[] | undefined,
): string[] {
  const values = typeof header === 'string' ? [header] : (header ?? [])
  return values.filter((value) => names.includes(nameSet(value)))
}

/** Returns the values without those that a later one of the same name replaces (RFC 6265 section 4.1.1). */
export function lastOfEachName(values: readonly string[]): string[] {
  return [...new Map(values.map((value) => [nameSet(value), value])).values()]
}

function nameSet(value: string): string {
  return value.slice(0, value.indexOf('=')).trim()
}
