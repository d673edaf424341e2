/** The gateway: joins its stages. One request goes one way through them. */
import type { Logger } from 'pino'
import { cookieValues } from '../subgraphs/kit/cookies.ts'
import type { Authenticate, Caller } from './authentication/authenticate.ts'
import { GatewayError } from './errors.ts'
import { readTraceparent } from './execution/client-request.ts'
import type { ForwardedCaller } from './execution/subgraph-headers.ts'
import type { Generation } from './generation.ts'
import { soleHeader } from './http/http-message.ts'
import type { HttpAnswer, HttpRequest } from './http/http-message.ts'
import { readGraphqlRequest } from './http/read-graphql-request.ts'
import { refusal } from './http/refusal.ts'

export interface GatewayParts {
  authenticate: Authenticate
  /** The generation that serves now; a request keeps the one it got. */
  generation: () => Generation
  /** The cookies in which an access token may come. */
  tokenCookies: readonly string[]
  /** Named in `WWW-Authenticate`. */
  realm: string
  /** Told of each answer: its HTTP status, and how long it took in seconds. */
  answered?: (status: number, seconds: number) => void
  log: Logger
}

/** Returns the function that answers a request to /graphql. It never rejects. */
export function createGateway(parts: GatewayParts): (request: HttpRequest) => Promise<HttpAnswer> {
  const { authenticate, generation, realm, log } = parts

  return async (request) => {
    const start = performance.now()
    const answer = await answerTo(request)
    parts.answered?.(answer.status, (performance.now() - start) / 1000)
    return answer
  }

  async function answerTo(request: HttpRequest): Promise<HttpAnswer> {
    try {
      const caller = await authenticate(request.headers)
      const query = readGraphqlRequest(request)
      return await generation().answer(query, {
        caller: forwarded(caller, request),
        verifiedClaims: caller.verifiedClaims,
        signal: request.signal,
        traceparent: readTraceparent(soleHeader(request.headers, 'traceparent')),
        setCookies: [],
      })
    } catch (error) {
      const accept = soleHeader(request.headers, 'accept')
      return withoutCookies(request, refusal(expected(error), { realm, accept }))
    }
  }

  /**
   * A browser would send a refused token again and again, with a login too, and no script can stop it:
   * it is told to forget the token.
   */
  function withoutCookies({ headers }: HttpRequest, refused: HttpAnswer): HttpAnswer {
    if (refused.status !== 401 || !headers.cookie) return refused
    // An empty Authorization header is none: the cookie counted.
    if (headers.authorization?.some((value) => value.trim() !== '')) return refused
    const sent = parts.tokenCookies.filter((name) =>
      headers.cookie!.some((header) => cookieValues(header, name).length > 0),
    )
    if (sent.length === 0) return refused
    const cleared = sent.map(
      (name) => `${name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`,
    )
    return { ...refused, headers: { ...refused.headers, 'set-cookie': cleared } }
  }

  function expected(error: unknown): GatewayError {
    if (error instanceof GatewayError) return error
    log.error({ err: error }, 'unforeseen error')
    return new GatewayError('INTERNAL_SERVER_ERROR', { cause: error })
  }
}

function forwarded(caller: Caller, { clientAddress, headers }: HttpRequest): ForwardedCaller {
  const { claims, expiresAt } = caller
  const agent = soleHeader(headers, 'user-agent')
  return {
    claims,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    client: {
      ...(clientAddress ? { address: clientAddress } : {}),
      ...(agent ? { agent } : {}),
    },
    ...(headers.cookie ? { cookies: headers.cookie.join('; ') } : {}),
  }
}
