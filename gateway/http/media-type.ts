/** Content negotiation: the two media types of GraphQL over HTTP (section 6.4), then streams of events. */
import Negotiator from 'negotiator'

/** The media type of a client that names none. */
export const json = 'application/json; charset=utf-8'
const graphqlResponse = 'application/graphql-response+json; charset=utf-8'

/** The media type of server-sent events, whose encoding is always UTF-8 (HTML, section 9.2.5). */
export const eventStream = 'text/event-stream'

/** Returns the media type for that Accept header; undefined when it accepts none. */
export function acceptedMediaType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return json
  return new Negotiator({ headers: { accept } }).mediaType([json, graphqlResponse, eventStream])
}

/** Returns the media type of a complete response for that Accept header; by default `application/json`. */
export function responseMediaType(accept: string | undefined): string {
  const accepted = acceptedMediaType(accept)
  return accepted === undefined || accepted === eventStream ? json : accepted
}

/** Returns whether that Accept header names server-sent events; a wildcard does not. */
export function acceptsEvents(accept: string | undefined): boolean {
  if (accept === undefined) return false
  return new Negotiator({ headers: { accept } }).mediaTypes().includes(eventStream)
}

/**
 * Returns whether the HTTP status reports the outcome of the operation: `application/json` keeps 200 for a
 * well-formed response, since proxies respond in that type too (section 6.4.1).
 */
export function statusDependsOnResult(mediaType: string): boolean {
  return mediaType === graphqlResponse
}
