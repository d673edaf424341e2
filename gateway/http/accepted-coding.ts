/** Content negotiation between the content codings of a response (RFC 9110, section 12.5.3). */
import Negotiator from 'negotiator'

export type Coding = 'gzip' | 'br'

const codings: readonly Coding[] = ['gzip', 'br']

/** Clients send few different values; another one is judged each time. */
const mostRemembered = 100
const longestRemembered = 200

/** Returns a function that returns the coding for an Accept-Encoding header; undefined: identity. */
export function codingChooser(): (acceptEncoding: string) => Coding | undefined {
  const known = new Map<string, Coding | undefined>()

  return (acceptEncoding) => {
    if (known.has(acceptEncoding)) return known.get(acceptEncoding)
    const chosen = preferredCoding(acceptEncoding)
    if (known.size < mostRemembered && acceptEncoding.length <= longestRemembered) {
      known.set(acceptEncoding, chosen)
    }
    return chosen
  }
}

function preferredCoding(acceptEncoding: string): Coding | undefined {
  const negotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } })
  const [first] = negotiator.encodings([...codings, 'identity'])
  return codings.find((coding) => coding === first)
}

const identityRefused = /(?:identity|\*)\s*;\s*q=0(?:\.0*)?\s*(?:,|$)/i
const identityNamed = /identity\s*(?:$|,|;\s*q=(?!0(?:\.0*)?\s*(?:,|$)))/i

/** Returns whether the header refuses a response without a content coding: `identity;q=0` or `*;q=0`. */
export function refusesIdentity(acceptEncoding: string): boolean {
  if (!acceptEncoding.includes(';')) return false
  return identityRefused.test(acceptEncoding) && !identityNamed.test(acceptEncoding)
}
