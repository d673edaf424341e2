/** Content negotiation: the two media types of GraphQL over HTTP (section 6.4), then streams of events. */
import Negotiator from 'negotiator'

/** The media type of a client that names none. */
export const json = 'application/json; charset=utf-8'
const graphqlResponse = 'application/graphql-response+json; charset=utf-8'

/** The media type of server-sent events, whose encoding is always UTF-8 (HTML, section 9.2.5). */
export const eventStream = 'text/event-stream'

/** The media type of subscriptions by multipart responses; some clients need the quotation marks. */
export const multipart = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'

/** Returns the media type for that Accept header; undefined when it accepts none. */
export function acceptedMediaType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return json
  const accepted = new Negotiator({ headers: { accept } })
  return (
    accepted.mediaType([json, graphqlResponse, eventStream]) ??
    (acceptsParts(accept) ? multipart : undefined)
  )
}

/** Returns the media type of a complete response for that Accept header; by default `application/json`. */
export function responseMediaType(accept: string | undefined): string {
  const accepted = acceptedMediaType(accept)
  return accepted === graphqlResponse ? accepted : json
}

/** Returns whether that Accept header names server-sent events; a wildcard does not. */
export function acceptsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false
  return new Negotiator({ headers: { accept } }).mediaTypes().includes(eventStream)
}

/** Returns whether that Accept header names subscriptions by multipart responses. */
export function acceptsParts(accept: string | undefined): boolean {
  if (accept === undefined) return false
  return accept
    .split(',')
    .some((type) => /^\s*multipart\/mixed\s*;/i.test(type) && specification.test(type))
}

const specification = /;\s*subscriptionSpec="?1\.0"?\s*(;|$)/i

/**
 * Returns whether the HTTP status reports the outcome of the operation: `application/json` keeps 200 for a
 * well-formed response, since proxies respond in that type too (section 6.4.1).
 */
export function statusDependsOnResult(mediaType: string): boolean {
  return mediaType === graphqlResponse
}
