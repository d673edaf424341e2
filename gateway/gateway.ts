/** The gateway: joins its stages. One request goes one way through them. */
import type { Logger } from 'pino'
import type { Authenticate, Caller, RequestHeaders } from './authentication/authenticate.ts'
import { GatewayError } from './errors.ts'
import { readTraceparent } from './client-request.ts'
import type { ForwardedCaller } from './forwarding/subgraph-headers.ts'
import type { Generation } from './supergraph/schema-version.ts'
import { soleHeader } from './http/http-message.ts'
import type { HttpAnswer, HttpRequest } from './http/http-message.ts'
import { readGraphqlRequest } from './http/read-graphql-request.ts'
import { refusal } from './http/refusal.ts'

export interface GatewayParts {
  authenticate: Authenticate
  /** The generation that serves now; a request keeps the one it got. */
  generation: () => Generation
  /** Finds the cookie whose access token counts in a request, if one does. */
  tokenCookie: (headers: RequestHeaders) => string | undefined
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
      return withoutCookie(request, refusal(expected(error), { realm, accept }))
    }
  }

  /**
   * A browser would send a refused token again and again, with a login too, and no script can stop it:
   * it is asked to forget the token. A cookie that was not looked at stays.
   */
  function withoutCookie({ headers }: HttpRequest, refused: HttpAnswer): HttpAnswer {
    if (refused.status !== 401 || !headers.cookie) return refused
    const name = parts.tokenCookie(headers)
    if (name === undefined) return refused
    const cleared = `${name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`
    return { ...refused, headers: { ...refused.headers, 'set-cookie': [cleared] } }
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
