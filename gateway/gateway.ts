/** The gateway: one request, from its bytes to its response. */
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Authenticate, RequestHeaders } from './authentication/authenticate.ts'
import type { Caller, ClientRequest } from './client-request.ts'
import { GatewayError } from './errors.ts'
import { lastOfEachName } from './forwarding/cookies.ts'
import { RequestError } from './graphql/response-error.ts'
import type { ResponseError } from './graphql/response-error.ts'
import { errorResponse, errorsOf } from './http/error-response.ts'
import { eventStreamHeaders, inEventStream } from './http/event-stream.ts'
import { listHeader, soleHeader } from './http/http-message.ts'
import type { HttpRequest, HttpResponse } from './http/http-message.ts'
import { acceptedMediaType, acceptsEvents, eventStream, json } from './http/media-type.ts'
import { readGraphqlRequest, requestOf } from './http/read-graphql-request.ts'
import type { GraphqlRequest, Parameters } from './http/read-graphql-request.ts'
import { RequestSignal } from './http/request-signal.ts'
import { resultResponse } from './http/result-response.ts'
import type { OperationResult } from './http/result-response.ts'
import { EventStreamConnection } from './streaming/event-stream-connection.ts'
import type { LiveObserver } from './streaming/live-observer.ts'
import type { LiveConnections } from './streaming/live-connections.ts'
import type { QueueLimits, Refusal } from './streaming/live-operation.ts'
import type { LiveSubscription } from './streaming/live-subscription.ts'
import type { CallerSession, PerformedOperation } from './streaming/websocket-connection.ts'
import type { CurrentSchema } from './supergraph/schema-version.ts'
import type { Stages } from './supergraph/stages.ts'
import { tracedStages } from './supergraph/traced-stages.ts'
import { stringOf } from './graphql/response-data.ts'
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
  /** Undefined: subscriptions are refused. */
  live?: LiveParts | undefined
  log: Logger
}

/** What subscriptions need. */
export interface LiveParts {
  readonly connections: LiveConnections
  /** Returns why a caller is no longer admitted; undefined while it is. */
  readonly recheck: (caller: Caller) => Refusal | Promise<Refusal>
  /** How long a stream may be silent, in milliseconds. */
  readonly heartbeat: number
  readonly queue: QueueLimits
  readonly observer: LiveObserver
}

export interface Gateway {
  /** Returns the response to a request to /graphql. It never rejects. */
  respond(request: HttpRequest): Promise<HttpResponse>
  /** Returns the session of the caller of a connection; it rejects with a GatewayError. */
  connect(request: HttpRequest): Promise<CallerSession>
}

/** Returns the gateway. */
export function createGateway(parts: GatewayParts): Gateway {
  const { authenticate, schema, realm, live, log } = parts

  return {
    async respond(request) {
      const facts = new RequestFacts(request)
      parts.onRequest?.(facts)
      const response = await respond(request, facts).catch((error) => refused(facts, error))
      parts.onResponse?.(response, facts)
      return response
    },
    connect,
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
    const result = await schema
      .current()
      .serve((stages) => perform(stages, graphqlRequest, client, facts))
    if ('open' in result) return streamResponse(result, client, facts)
    const { mediaType } = graphqlRequest
    const setCookies = lastOfEachName(client.setCookies)
    const response = resultResponse(result, { mediaType, realm, setCookies, requestId })
    return mediaType === eventStream ? inEventStream(response) : response
  }

  /** What depends on the schema: returns the result, or a subscription that is ready to be opened. */
  async function perform(
    stages: Stages,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    facts: RequestFacts,
  ): Promise<OperationResult | LiveSubscription> {
    const { trace } = facts
    const { prepare, authorize, execute, subscribe } = trace ? tracedStages(stages, trace) : stages
    const operation = (facts.operation = prepare(graphqlRequest))
    const isLive = operation.operation.operation === 'subscription'
    if (isLive) refuseWithoutStream(facts)
    const decided = authorize(operation, graphqlRequest, client)
    const request = decided instanceof Promise ? await decided : decided
    const { authorized } = request
    if (isLive && 'document' in authorized) {
      return subscribe({ ...request, authorized }, graphqlRequest, client)
    }
    const result = await execute(request, graphqlRequest, client)
    facts.errors = result.errors
    return result
  }

  function refused(facts: RequestFacts, error: unknown): HttpResponse {
    const response = refuse(facts, error)
    const headers = { ...response.headers, 'x-request-id': facts.requestId }
    return { ...response, headers }
  }

  /** An expected failure is a row of the error table, or a request error; the rest is a fault of ours. */
  function refuse(facts: RequestFacts, error: unknown): HttpResponse {
    const { request } = facts
    const accept = listHeader(request.headers, 'accept')
    const options = { realm, accept }
    const isForeseen = error instanceof RequestError || error instanceof GatewayError
    facts.refusal = isForeseen ? error : 'unforeseen'
    if (error instanceof RequestError) {
      const response = errorResponse(error, options)
      // An EventSource knows nothing of a status: the stream says what is wrong (GraphQL over SSE).
      const isStream = acceptedMediaType(accept) === eventStream
      return isStream ? inEventStream({ ...response, status: 200 }) : response
    }
    if (error instanceof GatewayError) return withoutCookie(request, errorResponse(error, options))
    const errorId = reportUnforeseen(facts, error)
    return errorResponse(new GatewayError('INTERNAL_SERVER_ERROR'), { ...options, errorId })
  }

  function reportUnforeseen({ requestId }: RequestFacts, error: unknown): string {
    const errorId = randomUUID()
    log.error({ requestId, errorId, err: error }, 'unforeseen error')
    return errorId
  }

  /** Returns the errors for what fails on an open connection. */
  function errorsFor(facts: RequestFacts, error: unknown): readonly ResponseError[] {
    if (error instanceof RequestError || error instanceof GatewayError) return errorsOf(error)
    const errorId = reportUnforeseen(facts, error)
    return errorsOf(new GatewayError('INTERNAL_SERVER_ERROR'), errorId)
  }

  function refuseWithoutStream({ request }: RequestFacts): void {
    if (!live) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
    if (request.isConnection || acceptsEvents(listHeader(request.headers, 'accept'))) return
    throw new GatewayError('SUBSCRIPTION_TRANSPORT_NEEDED')
  }

  /** Returns the response that begins a stream of events. */
  function streamResponse(
    subscription: LiveSubscription,
    client: ClientRequest,
    facts: RequestFacts,
  ): HttpResponse {
    const { connections, recheck, heartbeat, queue, observer } = live!
    const { caller } = client
    let connection: EventStreamConnection | undefined
    const remove = connections.add(
      { tick: (now) => connection?.tick(now), restart: () => connection?.restart() },
      { caller, address: facts.request.clientAddress },
    )
    const signal = new RequestSignal()
    return {
      status: 200,
      headers: { ...eventStreamHeaders, 'x-request-id': facts.requestId },
      body: '',
      stream(response) {
        observer.connected('event_stream')
        observer.started()
        connection = new EventStreamConnection(response, {
          subscription,
          request: eventsOf(client, signal),
          refusal: () => recheck(caller),
          heartbeat,
          queue,
          observer,
          onFailure: (cause) => errorsFor(facts, cause),
          onClosed(reason) {
            signal.abort()
            remove()
            observer.disconnected('event_stream')
            reportEnd(facts, reason)
          },
        })
      },
    }
  }

  async function connect(request: HttpRequest): Promise<CallerSession> {
    const { connections, recheck } = live!
    const caller = await authenticate(request.headers, request.requestId)
    const uncount = connections.count({ caller, address: request.clientAddress })
    return {
      refusal: () => recheck(caller),
      perform: (parameters, signal) => performOn({ ...request, signal }, caller, parameters),
      close: uncount,
    }
  }

  /** Performs an operation of a caller that was identified when its connection began. */
  async function performOn(
    request: HttpRequest,
    caller: Caller,
    parameters: Parameters,
  ): Promise<PerformedOperation> {
    const facts = new RequestFacts({ ...request, requestId: undefined })
    parts.onRequest?.(facts)
    facts.caller = caller
    try {
      const graphqlRequest = requestOf(parameters, 'POST', undefined)
      facts.query = graphqlRequest.query
      const client = clientRequest(caller, facts)
      const result = await schema
        .current()
        .serve((stages) => perform(stages, graphqlRequest, client, facts))
      if ('open' in result) {
        parts.onResponse?.(accepted, facts)
        const { observer } = live!
        observer.started()
        const signal = new RequestSignal()
        return {
          outcome: 'subscribed',
          observer,
          subscription: result,
          request: eventsOf(client, signal),
          onFailure: (cause) => errorsFor(facts, cause),
          onEnded(reason) {
            signal.abort()
            reportEnd(facts, reason)
          },
        }
      }
      const response = resultResponse(result, {
        mediaType: json,
        realm,
        setCookies: [],
        requestId: facts.requestId,
      })
      parts.onResponse?.(response, facts)
      const isRefused = facts.operation?.operation.operation === 'subscription'
      return isRefused && result.errors.length > 0
        ? { outcome: 'refused', errors: result.errors }
        : { outcome: 'executed', body: response.body }
    } catch (error) {
      const response = refuse(facts, error)
      parts.onResponse?.(response, facts)
      const { errors } = JSON.parse(stringOf(response.body)) as { errors: ResponseError[] }
      return { outcome: 'refused', errors }
    }
  }

  function reportEnd({ requestId }: RequestFacts, reason: string): void {
    live?.observer.ended(reason)
    log.debug({ requestId, reason }, 'subscription ended')
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

/** What a subscription over a WebSocket has instead of a response. */
const accepted: HttpResponse = { status: 200, headers: {}, body: '' }

/** Returns the function that makes the request in whose name an event is executed: each is a new one. */
function eventsOf(client: ClientRequest, signal: RequestSignal): () => ClientRequest {
  const { caller, requestId, traceContext } = client
  return () => ({ caller, requestId, traceContext, signal, setCookies: [] })
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
