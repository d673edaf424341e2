/** Those cookies of the client that the gateway is configured to forward (`claims.subgraphs.X.cookies`). */
export interface ClientCookies {
  /** Returns the value of a cookie, if the client sent it. */
  get(name: string): string | undefined
  /** Sets a cookie on the client: the value of a `Set-Cookie` header (RFC 6265 section 4.1). */
  set(cookie: string): void
}

/**
 * @param header the `Cookie` header of the request
 * @param set collects the cookies that the response will set
 */
export function clientCookies(header: string | undefined, set: string[]): ClientCookies {
  return {
    get: (name) => cookieValues(header ?? '', name)[0],
    set: (cookie) => void set.push(cookie),
  }
}

/** Returns each value that a `Cookie` header has under a name (RFC 6265 section 4.2). */
export function cookieValues(header: string, name: string): string[] {
  return header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1))
}
