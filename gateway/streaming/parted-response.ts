/** The response in parts to an operation with `@defer`. */
import type { ServerResponse } from 'node:http'
import type { Caller } from '../client-request.ts'
import type { GatewayError } from '../errors.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import type { Additions } from '../http/added-to-response.ts'
import { errorsOf } from '../http/error-response.ts'
import type { HttpResponse } from '../http/http-message.ts'
import type { Fragment, IncrementalFormat, IncrementalWriter } from '../http/incremental.ts'
import { afterLastPart, firstBoundary, part } from '../http/parts.ts'
import { streamHeaders } from '../http/stream-format.ts'
import { reasonOf } from './end-reason.ts'
import type { Refusal } from './live-operation.ts'
import { DeliveredData } from './parted-result.ts'
import type { LaterFragment, PartedResult } from './parted-result.ts'

export interface PartedResponseParts {
  readonly format: IncrementalFormat
  readonly caller: Caller
  readonly requestId: string
  /** What subgraphs have added to the response so far. */
  readonly added: Additions
  /** Returns why a caller is no longer admitted; undefined while it is. */
  readonly recheck: (caller: Caller) => Refusal | Promise<Refusal>
  /** Called when it has ended: `completed`, `client gone`, or a reason or code of the first error. */
  readonly onEnded: (reason: string, parts: number) => void
  /** Reports a fault of ours, and returns what the client gets to know of it. */
  readonly onFailure: (cause: unknown) => readonly ResponseError[]
}

/** Returns the response. The caller is checked before each part. */
export function partedResponse(result: PartedResult, parts: PartedResponseParts): HttpResponse {
  const { format, requestId, added } = parts
  return {
    status: 200,
    headers: {
      ...added.headers(),
      'content-type': format.mediaType,
      ...streamHeaders,
      'x-request-id': requestId,
    },
    body: '',
    stream: (response) => void send(result, response, parts),
  }
}

async function send(
  result: PartedResult,
  response: ServerResponse,
  parts: PartedResponseParts,
): Promise<void> {
  const writer = parts.format.writer()
  let sent = 0
  const write = (text: string) => {
    sent++
    response.write(part(text))
  }
  const refuse = (errors: readonly ResponseError[]) => {
    if (!response.destroyed) write(writer.refused(errors))
    return reasonOf(errors)
  }
  const reason = await sendParts(result, response, { ...parts, writer, write, refuse }).catch(
    (cause: unknown) => refuse(parts.onFailure(cause)),
  )
  if (!response.destroyed) response.end(afterLastPart)
  parts.onEnded(reason, sent)
}

interface PartsOutput extends Pick<PartedResponseParts, 'caller' | 'recheck'> {
  readonly writer: IncrementalWriter
  readonly write: (text: string) => void
  /** Writes the errors instead of what is left; returns the reason. */
  readonly refuse: (errors: readonly ResponseError[]) => string
}

/** Sends the parts; returns why it has ended. */
async function sendParts(
  { first, later }: PartedResult,
  response: ServerResponse,
  { caller, recheck, writer, write, refuse }: PartsOutput,
): Promise<string> {
  const delivered = new DeliveredData(first)
  const errors: ResponseError[] = []
  const expected = ({ path, label }: LaterFragment, index: number): Fragment[] =>
    delivered.positions(path).map((position) => ({ index, path: position, label }))
  response.write(firstBoundary)
  write(writer.first(first, later.flatMap(expected)))
  for (const [index, fragment] of later.entries()) {
    const result = await fragment.result
    const refusal = await recheck(caller)
    if (response.destroyed) return 'client gone'
    if (refusal) return refuse(errorsOfEnd(refusal))
    const { label } = fragment
    const placed = delivered.add(fragment, result).map((one) => ({ ...one, index, label }))
    const settled = expected(fragment, index)
    const hasNext = index < later.length - 1
    write(writer.next({ fragments: placed, settled, extensions: result.extensions, hasNext }))
    errors.push(...result.errors.slice(0, 1))
  }
  return reasonOf(errors)
}

/** The code for an access token that expires meanwhile is that of Apollo's router. */
function errorsOfEnd(refusal: GatewayError): readonly ResponseError[] {
  const hasExpired = refusal.reason === 'TOKEN_EXPIRED'
  return errorsOf(refusal).map(({ message, extensions }) => ({
    message,
    extensions: hasExpired ? { ...extensions, code: 'DEFERRED_RESPONSE_JWT_EXPIRED' } : extensions,
  }))
}
