/** The gateway as connections use it: those that live long are served by several, one after the other. */
import type { Caller, ClientRequest } from '../client-request.ts'
import type { Realm } from '../http/bearer-challenge.ts'
import type { GraphqlRequest } from '../http/read-graphql-request.ts'
import type { HttpRequest, HttpResponse, RequestHeaders } from '../http/http-message.ts'
import type { DocumentReference, Parameters } from '../http/persisted-query.ts'
import type { Refusals } from '../http/refusals.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { RequestFacts } from '../telemetry/request-facts.ts'
import type { LiveParts } from './live-parts.ts'
import type { LiveSubscription } from './live-subscription.ts'

/** The gateway of one configuration. */
export interface ServingGateway extends Refusals {
  /**
   * Returns the caller that the headers identify; throws or rejects with a GatewayError.
   *
   * @param address whose failed authentications are limited; undefined: the headers have been accepted before
   */
  authenticate(
    headers: RequestHeaders,
    requestId: string | undefined,
    address: string | undefined,
  ): Caller | Promise<Caller>
  /** Counts a request of a known caller; throws or rejects with a GatewayError if there have been too many. */
  count(facts: RequestFacts): void | Promise<void>
  /** Returns what is known of a request that begins. */
  begin(request: HttpRequest): RequestFacts
  /** Returns the text of a document, if the caller may execute it; throws a GatewayError. Undefined: every text may be. */
  readonly textOf: ((reference: DocumentReference, facts: RequestFacts) => string) | undefined
  /** Returns the parameters with the text of a document that they name by an id. */
  withDocument(parameters: Parameters, facts: RequestFacts): Parameters
  /** Reports a response. */
  end(response: HttpResponse, facts: RequestFacts): void
  /** Performs an operation up to its result, or up to a subscription that can be opened. */
  perform(
    graphqlRequest: GraphqlRequest,
    client: ClientRequest,
    facts: RequestFacts,
  ): Promise<OperationResult | LiveSubscription>
  /** Described in `WWW-Authenticate`. */
  readonly realm: Realm
  readonly live: LiveParts
}

/** Returns the gateway of the configuration that counts now; undefined if that has no subscriptions. */
export type Serving = () => ServingGateway | undefined
