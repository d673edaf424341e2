/** The trace that the gateway's request belongs to. */

/** With a last digit that is odd: the sender has recorded its span (W3C Trace Context, section 3.2.2.5.1). */
const recorded =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f][13579bdf]$/

/** Returns the id of the trace in a `traceparent`, if there is one and it is recorded. */
export function recordedTraceId(traceparent: string | string[] | undefined): string | undefined {
  return typeof traceparent === 'string' ? recorded.exec(traceparent)?.[1] : undefined
}
