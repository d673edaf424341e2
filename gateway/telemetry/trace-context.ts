/** The headers of W3C Trace Context: what a request brings, and what its calls to subgraphs carry. */
import { randomUUID } from 'node:crypto'
import type { TraceContext } from '../client-request.ts'
import { soleHeader } from '../http/http-message.ts'
import type { RequestHeaders } from '../http/http-message.ts'

/** Version 00 with neither id all zeros; versions to come begin with the same fields (section 3.2.2). */
const traceparentForm =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Visible ASCII and spaces, in characters: vendors must pass on 512 of them (section 3.3.1.5). */
const tracestateForm = /^[\x20-\x7e]{1,512}$/

/**
 * Returns the headers that a request brings. Without a well-formed `traceparent` there are none: it must
 * be ignored, and `tracestate` with it (section 4.3).
 */
export function readTraceContext(headers: RequestHeaders): TraceContext | undefined {
  if (headers['traceparent'] === undefined) return undefined
  const traceparent = soleHeader(headers, 'traceparent')
  if (traceparent === undefined || !traceparentForm.test(traceparent)) return undefined
  const tracestate = headers['tracestate']?.join()
  return tracestate !== undefined && tracestateForm.test(tracestate)
    ? { traceparent, tracestate }
    : { traceparent }
}

/** Returns the 32 digits that name the trace. */
export function traceIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(3, 35)
}

/** Returns the 16 digits that name the sender's span. */
export function parentIdOf({ traceparent }: TraceContext): string {
  return traceparent.slice(36, 52)
}

/** Returns whether the sender says that it may have recorded its span (section 3.2.2.5.1). */
export function isRecorded({ traceparent }: TraceContext): boolean {
  return (Number.parseInt(traceparent.slice(53), 16) & 1) === 1
}

/** Returns a `traceparent` with these ids, of a span that is recorded. */
export function recordedTraceparent(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`
}

/**
 * Returns what the calls of a request carry that is not sampled: its own trace, with a flag that says so. A
 * subgraph that follows the flag records nothing either, so that there are no parts of traces. Another flag
 * needs another parent id (section 3.4); a trace that was not recorded before is passed on as it is.
 */
export function notSampled(brought: TraceContext | undefined): TraceContext {
  if (!brought) {
    const id = randomDigits()
    return { traceparent: `00-${id}-${randomDigits().slice(16)}-00` }
  }
  if (!isRecorded(brought)) return brought
  const traceparent = `00-${traceIdOf(brought)}-${randomDigits().slice(16)}-00`
  return { ...brought, traceparent }
}

/** 32 digits. The last 14 of a UUID are random, of the others all but six bits. */
function randomDigits(): string {
  const id = randomUUID()
  return id.slice(0, 8) + id.slice(9, 13) + id.slice(14, 18) + id.slice(19, 23) + id.slice(24)
}
