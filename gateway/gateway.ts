/** The gateway: one request, from its bytes to its response. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Authenticate, RequestHeaders } from './authentication/authenticate.ts'
import type { Caller, ClientRequest } from './client-request.ts'
import { GatewayError } from './errors.ts'
import { lastOfEachName } from './forwarding/cookies.ts'
import { RequestError } from './graphql/response-error.ts'
import { errorResponse } from './http/error-response.ts'
import { listHeader, soleHeader } from './http/http-message.ts'
import type { HttpRequest, HttpResponse } from './http/http-message.ts'
import { readGraphqlRequest } from './http/read-graphql-request.ts'
import { resultResponse } from './http/result-response.ts'
import type { CurrentSchema } from './supergraph/schema-version.ts'
import { tracedStages } from './supergraph/traced-stages.ts'
import { inSpan } from './telemetry/in-span.ts'
import { RequestFacts } from './telemetry/request-facts.ts'
import { readTraceContext } from './telemetry/trace-context.ts'

export interface GatewayParts {
  authenticate: Authenticate
  /** The current version of the schema; a request keeps the version with which it began. */
  schema: CurrentSchema
  /** Returns the name of the cookie with the access token of a request, if there is one. */
  tokenCookie: (headers: RequestHeaders) => string | undefined
  /** Named in `WWW-Authenticate`. */
  realm: string
  /** Called with what is known of each request before its first stage: begins its trace, if it is sampled. */
  onRequest?: ((facts: RequestFacts) => void) | undefined
  /** Called with each response, and what is known of its request. */
  onResponse?: (response: HttpResponse, facts: RequestFacts) => void
  log: Logger
}

/** Returns the function that responds to a request to /graphql. It never rejects. */
export function createGateway(
  parts: GatewayParts,
): (request: HttpRequest) => Promise<HttpResponse> {
  const { authenticate, schema, realm, log } = parts

  return async (request) => {
    const facts = new RequestFacts(request)
    parts.onRequest?.(facts)
    const response = await respond(request, facts).catch((error) => refused(facts, error))
    parts.onResponse?.(response, facts)
    return response
  }

  /** The complete life of a request, top to bottom. */
  async function respond(request: HttpRequest, facts: RequestFacts): Promise<HttpResponse> {
    if (request.refused) throw request.refused
    const { trace, requestId } = facts
    const identified = trace
      ? inSpan(trace, 'authenticate', (span) => authenticate(request.headers, requestId, span))
      : authenticate(request.headers, requestId)
    // A promise costs more than what it waits for here, which most callers are spared.
    const caller = identified instanceof Promise ? await identified : identified
    facts.caller = caller
    const graphqlRequest = readGraphqlRequest(request)
    facts.query = graphqlRequest.query
    const client = clientRequest(caller, facts)
    return schema.current().serve(async (stages) => {
      const { prepare, authorize, execute } = trace ? tracedStages(stages, trace) : stages
      const operation = (facts.operation = prepare(graphqlRequest))
      const decided = authorize(operation, graphqlRequest, client)
      const authorized = decided instanceof Promise ? await decided : decided
      const result = await execute(authorized, graphqlRequest, client)
      facts.errors = result.errors
      const { mediaType } = graphqlRequest
      const setCookies = lastOfEachName(client.setCookies)
      return resultResponse(result, { mediaType, realm, setCookies, requestId })
    })
  }

  function refused(facts: RequestFacts, error: unknown): HttpResponse {
    const response = refuse(facts, error)
    const headers = { ...response.headers, 'x-request-id': facts.requestId }
    return { ...response, headers }
  }

  /** An expected failure is a row of the error table, or a request error; the rest is a fault of ours. */
  function refuse(facts: RequestFacts, error: unknown): HttpResponse {
    const { request, requestId } = facts
    const options = { realm, accept: listHeader(request.headers, 'accept') }
    const isForeseen = error instanceof RequestError || error instanceof GatewayError
    facts.refusal = isForeseen ? error : 'unforeseen'
    if (error instanceof RequestError) return errorResponse(error, options)
    if (error instanceof GatewayError) return withoutCookie(request, errorResponse(error, options))
    const errorId = randomUUID()
    log.error({ requestId, errorId, err: error }, 'unforeseen error')
    return errorResponse(new GatewayError('INTERNAL_SERVER_ERROR'), { ...options, errorId })
  }

  /**
   * A browser would keep sending a refused token, even with a login, and no script can prevent it: the
   * response clears the cookie. A cookie that was not used stays.
   */
  function withoutCookie({ headers }: HttpRequest, refused: HttpResponse): HttpResponse {
    if (refused.status !== 401 || !headers.cookie) return refused
    const name = parts.tokenCookie(headers)
    if (name === undefined) return refused
    const cleared = `${name}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict`
    return { ...refused, headers: { ...refused.headers, 'set-cookie': [cleared] } }
  }
}

/** Returns what the stages after authentication need of the client. */
function clientRequest(caller: Caller, facts: RequestFacts): ClientRequest {
  const { clientAddress: address, headers, signal } = facts.request
  return {
    caller: {
      claims: caller.claims,
      verifiedClaims: caller.verifiedClaims,
      expiresAt: caller.expiresAt,
      issuer: caller.issuer,
      client: { address, agent: soleHeader(headers, 'user-agent') },
      cookies: headers.cookie?.join('; '),
    },
    requestId: facts.requestId,
    observer: facts,
    signal,
    trace: facts.trace,
    traceContext: facts.traceContext ?? readTraceContext(headers),
    setCookies: [],
  }
}
