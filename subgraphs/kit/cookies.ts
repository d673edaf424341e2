/** The client's cookies, as far as the gateway is configured to pass them on (`claims.subgraphs.X.cookies`). */
export interface ClientCookies {
  /** Returns the value of a cookie, if the client sent it. */
  get(name: string): string | undefined
  /** Sets a cookie at the client: the value of a `Set-Cookie` header (RFC 6265 section 4.1). */
  set(cookie: string): void
}

/**
 * @param header the `Cookie` header of the request
 * @param set what the response will set
 */
export function clientCookies(header: string | undefined, set: string[]): ClientCookies {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim())
  return {
    get(name) {
      const pair = pairs.find((each) => each.startsWith(`${name}=`))
      return pair?.slice(name.length + 1)
    },
    set: (cookie) => void set.push(cookie),
  }
}
