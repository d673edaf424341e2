import { GatewayError } from '../errors.ts'
import { readEnvelope } from './response-envelope.ts'
import type { ReadData } from './response-envelope.ts'
import type { FailedCall } from './subgraph-request.ts'

/**
 * Reads the data of a response that has been read before, for another request. Returns why that is not
 * possible: there may be no more room. Undefined when the data was read.
 */
export function readAgain(bytes: Uint8Array, readData: ReadData): FailedCall | undefined {
  try {
    readEnvelope(bytes, readData)
    return undefined
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause
    return { outcome: 'failed', reason: cause.reason }
  }
}
