/** The parts of a multipart response, each of which is a JSON text (RFC 2046, section 5.1.1). */

/** What comes before the first part. */
export const firstBoundary = '\r\n--graphql'

/** What comes after the last part. */
export const afterLastPart = '--\r\n'

/** Returns a part, without the boundary before it; the boundary after it is sent at once, as clients wait for it. */
export function part(json: string): string {
  return `\r\ncontent-type: application/json\r\n\r\n${json}${firstBoundary}`
}
