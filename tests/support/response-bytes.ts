/** Responses of subgraphs that a test makes up, as the executors get them. */
import { readEnvelope } from '../../gateway/execution/response-envelope.ts'
import { failureOfResponse } from '../../gateway/execution/response-failure.ts'
import { readSubgraphErrors } from '../../gateway/execution/subgraph-errors.ts'
import type {
  FailedCall,
  SubgraphError,
  SubgraphRequest,
  SubgraphResult,
} from '../../gateway/execution/subgraph-request.ts'
import { stringOf } from '../../gateway/graphql/response-data.ts'
import type { ResponseData } from '../../gateway/graphql/response-data.ts'

/** Returns the result of a response with this data, read as the request wants it. */
export function answered(
  { readData }: SubgraphRequest,
  data: unknown,
  errors: readonly SubgraphError[] = [],
): SubgraphResult {
  const bytes = Buffer.from(JSON.stringify({ data: data ?? null }))
  const envelope = readEnvelope(bytes, readData)
  return { outcome: 'answered', bytes, hasData: envelope?.data === 'object', errors }
}

/** The result of a call whose response is no response. */
export const invalid: FailedCall = { outcome: 'failed', reason: 'SUBGRAPH_RESPONSE_INVALID' }

/** Returns the result of these bytes as the response. */
export function readResponse({ readData }: SubgraphRequest, bytes: Uint8Array): SubgraphResult {
  const envelope = readEnvelope(bytes, readData)
  const response = { status: 200, retryAfter: undefined, setCookie: undefined, bytes }
  if (!envelope || failureOfResponse(response, envelope)) return invalid
  const errors = readSubgraphErrors(envelope.errors, 'expose')
  return { outcome: 'answered', bytes, hasData: envelope.data === 'object', errors }
}

/** Returns the data of a response as a client parses it. */
export function parsed(data: ResponseData): unknown {
  return JSON.parse(stringOf(data))
}
