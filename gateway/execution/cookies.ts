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
  return values.filter((value) => names.includes(value.slice(0, value.indexOf('=')).trim()))
}
