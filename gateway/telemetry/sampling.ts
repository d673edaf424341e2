/** Which requests are traced: decided before any span is made, so that the others cost nothing. */
import type { TraceContext } from '../client-request.ts'
import { isRecorded, traceIdOf } from './trace-context.ts'

export interface SamplingOptions {
  /** The part of the requests that is traced, from 0 to 1. */
  readonly ratio: number
  /** Whether the decision of the sender is followed, if the sender is trusted. */
  readonly parent: boolean
  /** A number from 0 to 1; default Math.random. */
  readonly random?: (() => number) | undefined
}

/**
 * Returns whether a request is traced.
 *
 * @param brought the trace that the request belongs to, if any
 * @param isTrusted whether a trusted proxy sent it
 */
export type Sample = (brought: TraceContext | undefined, isTrusted: boolean) => boolean

/** Returns the decision for these options. */
export function sampling({ ratio, parent, random = Math.random }: SamplingOptions): Sample {
  return (brought, isTrusted) => {
    // A client that chose the flag, or the id that decides, could have all of its requests recorded.
    if (!brought || !isTrusted) return random() < ratio
    return parent ? isRecorded(brought) : isInRatio(traceIdOf(brought), ratio)
  }
}

/** The last 7 bytes of the id are random (W3C Trace Context level 2, section 2.2.2.3.2): gateways agree on a trace. */
function isInRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52
}
