/** The formats of streams, by what the client accepts. */
import { eventStreamFormat } from './event-stream.ts'
import { acceptsEvents, acceptsParts, eventStream, multipart } from './media-type.ts'
import { incrementalFormats } from './incremental.ts'
import { multipartFormat } from './multipart.ts'
import type { StreamFormat } from './stream-format.ts'

/** Returns the format that an Accept header names, which a wildcard does not; undefined if it names none. */
export function acceptedStream(accept: string | undefined): StreamFormat | undefined {
  if (acceptsEvents(accept)) return eventStreamFormat
  return acceptsParts(accept, 'subscriptionSpec') ? multipartFormat : undefined
}

/** Returns the format of complete responses of that media type; undefined where they are no streams. */
export function streamOf(mediaType: string): Pick<StreamFormat, 'complete'> | undefined {
  if (mediaType === eventStream) return eventStreamFormat
  if (mediaType === multipart.subscriptionSpec) return multipartFormat
  return incrementalFormats.find((format) => format.mediaType === mediaType)
}
