/** Requests with several operations: an array of GraphQL requests, as several clients send them. */
import { requestIdFrom } from '../../subgraphs/kit/request-id.ts'
import { GatewayError } from '../errors.ts'
import type { ResponseData } from '../graphql/response-data.ts'
import {
  closeBracket,
  comma,
  MalformedJson,
  openBracket,
  skipSpace,
  valueEnd,
} from '../values/json-bytes.ts'
import { Additions } from './added-to-response.ts'
import type { HttpRequest, HttpResponse } from './http-message.ts'
import { json } from './media-type.ts'

type Respond = (request: HttpRequest) => Promise<HttpResponse>

/**
 * Returns the function that responds to requests of which some are batches. Each element is a request of its own: it
 * is authenticated, counted, limited, logged and executed as if it had come alone, beside the others.
 *
 * @param most how many elements a batch may have
 */
export function batchResponder(respond: Respond, most: number): Respond {
  return async (request) => {
    const elements = request.refused ? undefined : elementsOf(request, most)
    if (!elements) return respond(request)
    const refused = refusalOf(elements, most)
    if (refused) return respond({ ...request, refused })
    const headers = { ...request.headers, accept: ['application/json'] }
    const requestId = requestIdFrom(request.requestId)
    const responses = await Promise.all(
      elements.map((body) => respond({ ...request, headers, requestId, body })),
    )
    return together(responses, requestId)
  }
}

/**
 * Returns the bytes of the elements, one more than allowed at most; undefined where the body is no array, or not
 * well-formed: it is refused like any other.
 */
function elementsOf({ method, body }: HttpRequest, most: number): Uint8Array[] | undefined {
  let at = skipSpace(body, 0)
  if (method !== 'POST' || body[at] !== openBracket) return undefined
  const elements: Uint8Array[] = []
  try {
    at = skipSpace(body, at + 1)
    if (body[at] === closeBracket) return isEnd(body, at + 1) ? elements : undefined
    for (;;) {
      const end = valueEnd(body, at)
      elements.push(body.subarray(at, end))
      if (elements.length > most) return elements
      at = skipSpace(body, end)
      if (body[at] === closeBracket) return isEnd(body, at + 1) ? elements : undefined
      if (body[at] !== comma) return undefined
      at = skipSpace(body, at + 1)
    }
  } catch (error) {
    if (error instanceof MalformedJson) return undefined
    throw error
  }
}

function isEnd(body: Uint8Array, at: number): boolean {
  return skipSpace(body, at) === body.length
}

function refusalOf(elements: readonly Uint8Array[], most: number): GatewayError | undefined {
  if (elements.length === 0) {
    return new GatewayError('BAD_REQUEST', { message: 'The batch is empty: send an operation' })
  }
  if (elements.length <= most) return undefined
  const message = `The batch has too many operations: send at most ${most} per request`
  return new GatewayError('BATCH_TOO_LARGE', { message })
}

/**
 * Returns the response of a batch: those of its elements, in their order. Its status is theirs where they agree,
 * such as 401 for an access token that is refused; otherwise it is 200, and each element has its errors. Its headers
 * by rule are merged of all elements, as those of several subgraphs are for one element.
 */
function together(responses: readonly HttpResponse[], requestId: string): HttpResponse {
  const [first] = responses
  const agree = responses.every(({ status }) => status === first!.status)
  const setCookies = responses.flatMap(({ headers }) => headers['set-cookie'] ?? [])
  return {
    status: agree ? first!.status : 200,
    headers: {
      ...(agree ? first!.headers : {}),
      ...headersByRule(responses),
      ...(agree ? longestRetry(responses) : {}),
      ...leftOfRates(responses),
      'content-type': json,
      'cache-control': 'no-store',
      'x-request-id': requestId,
      ...(setCookies.length > 0 ? { 'set-cookie': [...new Set(setCookies)] } : {}),
    },
    body: listed(responses.map(({ body }) => body)),
  }
}

function longestRetry(responses: readonly HttpResponse[]): Readonly<Record<string, string>> {
  const seconds = responses.flatMap(({ headers }) =>
    headers['retry-after'] === undefined ? [] : [Number(headers['retry-after'])],
  )
  return seconds.length > 0 ? { 'retry-after': String(Math.max(...seconds)) } : {}
}

function headersByRule(responses: readonly HttpResponse[]): HttpResponse['headers'] {
  if (responses.every(({ added }) => !added)) return {}
  const all = new Additions()
  for (const { added } of responses) if (added) all.addHeadersOf(added)
  return all.headers() ?? {}
}

/** Returns what the element says that has left the fewest points: elements are counted at the same time. */
function leftOfRates(responses: readonly HttpResponse[]): HttpResponse['headers'] {
  const limited = responses.filter(({ headers }) => headers['ratelimit'])
  if (limited.length === 0) return {}
  const fewest = limited.reduce((one, other) => (leftOf(other) < leftOf(one) ? other : one))
  const { ratelimit, 'ratelimit-policy': policy } = fewest.headers
  return { ratelimit: ratelimit!, 'ratelimit-policy': policy! }
}

/** Returns the fewest points that any rate has left, by the field of rate-headers.ts. */
function leftOf({ headers }: HttpResponse): number {
  const left = String(headers['ratelimit']).matchAll(/;r=(\d+)/g)
  return Math.min(...Array.from(left, ([, points]) => Number(points)))
}

/** Returns the bodies as the elements of an array. */
function listed(bodies: readonly ResponseData[]): ResponseData {
  if (bodies.every((body) => typeof body === 'string')) return `[${bodies.join(',')}]\n`
  return [
    ...bodies.flatMap((body, index) => [
      Buffer.from(index === 0 ? '[' : ','),
      ...(typeof body === 'string' ? [Buffer.from(body)] : body),
    ]),
    Buffer.from(']\n'),
  ]
}
