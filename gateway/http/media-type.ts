/** Content negotiation: the two media types of GraphQL over HTTP (section 6.4), then streams of events. */
import Negotiator from 'negotiator'

/** The media type of a client that names none. */
export const json = 'application/json; charset=utf-8'
const graphqlResponse = 'application/graphql-response+json; charset=utf-8'

/** The media type of server-sent events, whose encoding is always UTF-8 (HTML, section 9.2.5). */
export const eventStream = 'text/event-stream'

/** The media types of responses in parts, by the specification; some clients need the quotation marks. */
export const multipart = {
  subscriptionSpec: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  deferSpec: 'multipart/mixed;boundary="graphql";deferSpec=20220824',
  incrementalSpec: 'multipart/mixed;boundary="graphql";incrementalSpec=v0.2',
} as const

export type MultipartSpec = keyof typeof multipart

/** How an Accept header names them. */
const parameters: Readonly<Record<MultipartSpec, RegExp>> = {
  subscriptionSpec: /;\s*subscriptionSpec="?1\.0"?\s*(;|$)/i,
  deferSpec: /;\s*deferSpec="?20220824"?\s*(;|$)/i,
  incrementalSpec: /;\s*incrementalSpec="?v0\.2"?\s*(;|$)/i,
}

/** Returns the media type for that Accept header; undefined when it accepts none. */
export function acceptedMediaType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return json
  const accepted = new Negotiator({ headers: { accept } })
  const whole = accepted.mediaType([json, graphqlResponse, eventStream])
  if (whole !== undefined) return whole
  const spec = (Object.keys(multipart) as MultipartSpec[]).find((one) => acceptsParts(accept, one))
  return spec && multipart[spec]
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

/** Returns whether that Accept header names responses in parts by that specification. */
export function acceptsParts(accept: string | undefined, spec: MultipartSpec): boolean {
  if (accept === undefined || !/multipart\//i.test(accept)) return false
  return accept
    .split(',')
    .some((type) => /^\s*multipart\/mixed\s*;/i.test(type) && parameters[spec].test(type))
}

/**
 * Returns whether the HTTP status reports the outcome of the operation: `application/json` keeps 200 for a
 * well-formed response, since proxies respond in that type too (section 6.4.1).
 */
export function statusDependsOnResult(mediaType: string): boolean {
  return mediaType === graphqlResponse
}
