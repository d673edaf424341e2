/** The `Cache-Control` of a response that is made of several (RFC 9111 section 5.2.2). */

/** What caches may do with a response. */
export interface CacheControl {
  /** In seconds; 0: it is not to be cached. */
  readonly maxAge: number
  /** Whether it is for one client alone. */
  readonly isPrivate: boolean
  /** Whether it must not be used when it is stale, not even while the gateway cannot be reached. */
  readonly endsWhenStale: boolean
}

const never: CacheControl = { maxAge: 0, isPrivate: true, endsWhenStale: true }

/** The longest time that caches understand, in seconds (RFC 9111 section 1.2.2). */
const longest = 2 ** 31

/**
 * Returns what a `Cache-Control` allows. What it does not allow in words is not allowed: no freshness is guessed.
 *
 * @param age how old the response is already, in seconds: it is fresh for that much less (section 4.2)
 */
export function readCacheControl(text: string, age = 0): CacheControl {
  let maxAge: number | undefined
  let shared: number | undefined
  let isPrivate = false
  let endsWhenStale = false
  for (const part of text.toLowerCase().split(',')) {
    const [name = '', value = ''] = part.split('=', 2).map((word) => word.trim())
    const seconds = /^"?(\d+)"?$/.exec(value)?.[1]
    if (/^(no-store|no-cache|must-understand)$/.test(name)) return never
    if (name === 'private') isPrivate = true
    // `s-maxage` means `proxy-revalidate` as well (section 5.2.2.10).
    if (/^(must-revalidate|proxy-revalidate|s-maxage)$/.test(name)) endsWhenStale = true
    // Two that differ: the response is stale (section 4.2.1).
    if (name === 'max-age') maxAge = maxAge === undefined ? Number(seconds ?? 0) : 0
    if (name === 's-maxage') shared = shared === undefined ? Number(seconds ?? 0) : 0
  }
  const least = Math.min(maxAge ?? shared ?? 0, shared ?? longest, longest) - age
  return least > 0 ? { maxAge: least, isPrivate, endsWhenStale } : never
}

/** Returns what both allow. */
export function strictest(one: CacheControl, other: CacheControl): CacheControl {
  return {
    maxAge: Math.min(one.maxAge, other.maxAge),
    isPrivate: one.isPrivate || other.isPrivate,
    endsWhenStale: one.endsWhenStale || other.endsWhenStale,
  }
}

/** Returns the value of the header; undefined if the response must not be cached. */
export function cacheControlText({
  maxAge,
  isPrivate,
  endsWhenStale,
}: CacheControl): string | undefined {
  if (maxAge === 0) return undefined
  const end = endsWhenStale ? ', must-revalidate' : ''
  return `${isPrivate ? 'private' : 'public'}, max-age=${maxAge}${end}`
}
