/** Content negotiation between the two media types of GraphQL over HTTP (section 6.4). */
import Negotiator from 'negotiator'

const json = 'application/json; charset=utf-8'
const graphqlResponse = 'application/graphql-response+json; charset=utf-8'

/** Returns the media type for that Accept header; undefined when it accepts neither. */
export function acceptedMediaType(accept: string | undefined): string | undefined {
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return json
  return new Negotiator({ headers: { accept } }).mediaType([json, graphqlResponse])
}

/** Returns the media type for that Accept header; `application/json` when it accepts neither. */
export function responseMediaType(accept: string | undefined): string {
  return acceptedMediaType(accept) ?? json
}

/**
 * Returns whether the HTTP status reports the outcome of the operation: `application/json` keeps 200 for a
 * well-formed response, since proxies respond in that type too (section 6.4.1).
 */
export function statusDependsOnResult(mediaType: string): boolean {
  return mediaType === graphqlResponse
}
