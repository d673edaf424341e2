/** The gateway: one request, from its bytes to its response. */
import type { Logger } from 'pino'
import type { Authenticate, RequestHeaders } from './authentication/authenticate.ts'
import type { Caller, ClientRequest } from './client-request.ts'
import { GatewayError } from './errors.ts'
import { acceptedStream, streamOf } from './http/accepted-stream.ts'
import type { Realm } from './http/bearer-challenge.ts'
import { acceptedIncremental } from './http/incremental.ts'
import type { IncrementalFormat } from './http/incremental.ts'
import { listHeader } from './http/http-message.ts'
import type { HttpRequest, HttpResponse } from './http/http-message.ts'
import { documentReference, withText } from './http/persisted-query.ts'
import type { DocumentReference, Parameters as RequestParameters } from './http/persisted-query.ts'
import { readGraphqlRequest } from './http/read-graphql-request.ts'
import type { GraphqlRequest } from './http/read-graphql-request.ts'
import { refusals } from './http/refusals.ts'
import { resultResponse } from './http/result-response.ts'
import type { OperationResult } from './http/result-response.ts'
import type { RequestRates } from './rates/request-rates.ts'
import { openSession } from './streaming/caller-session.ts'
import type { CallerSession } from './streaming/caller-session.ts'
import type { LiveParts } from './streaming/live-parts.ts'
import type { LiveSubscription } from './streaming/live-subscription.ts'
import { partedResponse } from './streaming/parted-response.ts'
import type { PartedResponseParts } from './streaming/parted-response.ts'
import type { PartedResult } from './streaming/parted-result.ts'
import type { Serving, ServingGateway } from './streaming/serving-gateway.ts'
import { streamResponse } from './streaming/stream-response.ts'
import { isOnlyPlanned } from './supergraph/explanations.ts'
import type { CurrentSchema } from './supergraph/schema-version.ts'
import type { Stages } from './supergraph/stages.ts'
import { tracedStages } from './supergraph/traced-stages.ts'
import { inSpan } from './telemetry/in-span.ts'
import { observedClient } from './telemetry/observed-client.ts'
import { RequestFacts } from './telemetry/request-facts.ts'

export interface GatewayParts {
  authenticate: Authenticate
  /**
   * Returns the text of the document that a request names, if its caller may execute it. Throws a
   * GatewayError. Undefined: documents have no ids, and every text is accepted.
   */
  textOf?: ((reference: DocumentReference, facts: RequestFacts) => string) | undefined
  /** The current version of the schema; a request keeps the version with which it began. */
  schema: CurrentSchema
  /** Returns the name of the cookie with the access token of a request, if there is one. */
  tokenCookie: (headers: RequestHeaders) => string | undefined
  /** Described in `WWW-Authenticate`. */
  realm: Realm
  /** The request headers on which responses depend, if subgraphs may allow to cache them; undefined: they may not. */
  cacheVary?: readonly string[] | undefined
  /** Throws a GatewayError for a caller of whom too much would be forwarded; undefined: nothing is. */
  limitForwarded?: ((caller: Caller) => void) | undefined
  /** Undefined: any number of requests is served. */
  rates?: RequestRates | undefined
  /** Called with what is known of each request before its first stage: begins its trace, if it is sampled. */
  onRequest?: ((facts: RequestFacts) => void) | undefined
  /** Called with each response, and what is known of its request. */
  onResponse?: (response: HttpResponse, facts: RequestFacts) => void
  /** Undefined: subscriptions are refused. */
  live?: LiveParts | undefined
  /** Returns the gateway of the process that serves connections; left out: this one. */
  serving?: Serving | undefined
  log: Logger
}

export interface Gateway {
  /** Returns the response to a request to /graphql. It never rejects. */
  respond(request: HttpRequest): Promise<HttpResponse>
  /** Returns the session of the caller of a connection; it rejects with a GatewayError. */
  connect(request: HttpRequest): Promise<CallerSession>
  /** The gateway as connections use it, those that another one has opened too; undefined without `live`. */
  readonly ofConnections: ServingGateway | undefined
}

/** Returns the gateway. */
export function createGateway(parts: GatewayParts): Gateway {
  const { authenticate, textOf, limitForwarded, schema, realm, rates, live } = parts
  const { refuse, errorsFor } = refusals(parts)
  const ofConnections = live && {
    ...{ begin, count, textOf, withDocument, perform: performAtOnce },
    ...{ refuse, errorsFor, end, realm, live },
    authenticate: (headers: RequestHeaders, requestId?: string, address?: string) =>
      authenticate(headers, requestId, undefined, address),
  }
  const serving = parts.serving ?? (() => ofConnections)

  return {
    async respond(request) {
      const facts = begin(request)
      const completed = await respond(request, facts).catch((error) => refuse(facts, error))
      const response = rates?.headersOf ? withRates(completed, facts) : completed
      end(response, facts)
      return response
    },
    async connect(request) {
      const arrived = rates?.onArrival?.({ request })
      if (arrived) await arrived
      return openSession(request, serving)
    },
    ofConnections,
  }

  /** The complete life of a request, top to bottom. */
  async function respond(request: HttpRequest, facts: RequestFacts): Promise<HttpResponse> {
    const arrived = rates?.onArrival?.(facts)
    if (arrived) await arrived
    if (request.refused) throw request.refused
    const { trace, requestId } = facts
    const { headers, clientAddress = '' } = request
    const identified = trace
      ? inSpan(trace, 'authenticate', (span) =>
          authenticate(headers, requestId, span, clientAddress),
        )
      : authenticate(headers, requestId, undefined, clientAddress)
    // A promise costs more than what it waits for here, which most callers are spared.
    const caller = identified instanceof Promise ? await identified : identified
    facts.caller = caller
    const counted = rates?.onCaller?.(facts)
    if (counted) await counted
    const graphqlRequest = textOf
      ? readGraphqlRequest(request, (parameters) => withDocument(parameters, facts))
      : readGraphqlRequest(request)
    const client = observedClient(caller, facts)
    const result = await perform(graphqlRequest, client, facts)
    if ('open' in result) {
      const requested = { subscription: result, graphqlRequest, facts }
      return streamResponse(requested, { gateway: ofConnections!, serving })
    }
    const { mediaType } = graphqlRequest
    const { added } = client
    if ('later' in result) {
      facts.hasLaterParts = true
      const { recheck } = live!
      const format = incrementalOf(request)!
      const later = { format, caller, requestId, added, recheck, ...reportsOf(facts) }
      return partedResponse(result, later)
    }
    const vary = parts.cacheVary && mayBeCached(facts) ? parts.cacheVary : undefined
    const response = resultResponse(result, { mediaType, realm, added, vary, requestId })
    return streamOf(mediaType)?.complete(response) ?? response
  }

  /** Counts an operation of a connection, whose caller is known, like a request. */
  function count(facts: RequestFacts): void | Promise<void> {
    const arrived = rates?.onArrival?.(facts)
    return arrived ? arrived.then(() => rates?.onCaller?.(facts)) : rates?.onCaller?.(facts)
  }

  /** Returns the parameters with the text of the document that they name. */
  function withDocument(parameters: RequestParameters, facts: RequestFacts): RequestParameters {
    const reference = textOf && documentReference(parameters, facts.request.documentId)
    facts.document = reference
    return reference ? withText(parameters, textOf(reference, facts)) : parameters
  }

  function perform(
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    facts: RequestFacts,
  ): Promise<OperationResult | PartedResult | LiveSubscription> {
    facts.query = graphqlRequest.query
    limitForwarded?.(client.caller)
    return schema.current().serve((stages) => performBy(stages, graphqlRequest, client, facts))
  }

  /** Performs an operation for a connection or a subscription, which have no results in parts. */
  async function performAtOnce(
    ...request: Parameters<typeof perform>
  ): Promise<OperationResult | LiveSubscription> {
    const result = await perform(...request)
    if ('later' in result) throw new Error('a connection does not send results in parts')
    return result
  }

  /** What depends on the schema: returns the result, or a subscription that is ready to be opened. */
  async function performBy(
    stages: Stages,
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    facts: RequestFacts,
  ): Promise<OperationResult | PartedResult | LiveSubscription> {
    const { trace } = facts
    const { prepare, authorize, explain, execute, defer, subscribe } = trace
      ? tracedStages(stages, trace)
      : stages
    const operation = (facts.operation = prepare(graphqlRequest))
    const isExplained = isOnlyPlanned(graphqlRequest)
    const isLive = operation.operation.operation === 'subscription' && !isExplained
    if (isLive) refuseWithoutStream(facts)
    // A subscription that is prepared anew has no caller here: it has been counted when it began.
    const counted = facts.caller && rates?.onOperation?.(facts)
    if (counted) await counted
    const decided = authorize(operation, graphqlRequest, client)
    const request = decided instanceof Promise ? await decided : decided
    const { authorized } = request
    facts.cost = isExplained ? 0 : request.estimated
    const spent = facts.caller && rates?.onCost?.(facts)
    if (spent) await spent
    if (isExplained) {
      return explain(request, graphqlRequest, client, incrementalOf(facts.request) !== undefined)
    }
    if (isLive && 'document' in authorized) {
      return subscribe({ ...request, authorized }, graphqlRequest, client)
    }
    if (incrementalOf(facts.request)) {
      const parted = await defer(request, graphqlRequest, client)
      if (parted) facts.errors = parted.first.errors
      if (parted) return parted
    }
    const result = await execute(request, graphqlRequest, client)
    facts.errors = result.errors
    return result
  }

  /** Returns the format of a response in parts; undefined where it is sent at once. */
  function incrementalOf(request: HttpRequest): IncrementalFormat | undefined {
    if (!live || request.isConnection) return undefined
    return acceptedIncremental(listHeader(request.headers, 'accept'))
  }

  function refuseWithoutStream({ request }: RequestFacts): void {
    if (!live) throw new GatewayError('SUBSCRIPTIONS_NOT_SUPPORTED')
    if (request.isConnection || acceptedStream(listHeader(request.headers, 'accept'))) return
    throw new GatewayError('SUBSCRIPTION_TRANSPORT_NEEDED')
  }

  /** Returns what reports the later parts of a response. In `respond` it would keep `facts` for a stream. */
  function reportsOf(facts: RequestFacts): Pick<PartedResponseParts, 'onFailure' | 'onEnded'> {
    facts.draw ??= Math.random()
    return {
      onFailure: (cause) => errorsFor(facts, cause),
      onEnded: (reason, parts) => live!.onEnded?.({ reason, parts }, facts),
    }
  }

  function withRates(response: HttpResponse, facts: RequestFacts): HttpResponse {
    // A cache gives it to others, and later: what is left of this caller's points is not for them.
    if (response.vary) return response
    return { ...response, headers: { ...response.headers, ...rates!.headersOf!(facts) } }
  }

  function begin(request: HttpRequest): RequestFacts {
    const facts = new RequestFacts(request)
    parts.onRequest?.(facts)
    return facts
  }

  function end(response: HttpResponse, facts: RequestFacts): void {
    parts.onResponse?.(response, facts)
  }
}

/**
 * Whether caches may keep the response if subgraphs allow it: that to a GET, as caches keep no others in practice
 * (RFC 9111 section 3), of a known operation by its id, so that no client chooses what is kept; and never one to a
 * request with credentials, which a shared cache must not keep either unless it is told to (section 3.5).
 */
function mayBeCached({ caller, denied, documentUse, request }: RequestFacts): boolean {
  if (request.method !== 'GET' || documentUse !== 'id' || denied > 0) return false
  return caller?.claims === null && request.headers['authorization'] === undefined
}
