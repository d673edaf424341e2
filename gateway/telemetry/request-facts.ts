/** What is known of one request when its response is ready: the access log and the metrics are made from it. */
import type { DocumentNode, OperationDefinitionNode } from 'graphql'
import { requestIdFrom } from '../../subgraphs/kit/request-id.ts'
import type {
  Caller,
  DocumentUse,
  CountedRate,
  RequestObserver,
  Trace,
  TraceContext,
} from '../client-request.ts'
import type { GatewayError } from '../errors.ts'
import type { RequestError, ResponseError } from '../graphql/response-error.ts'
import type { HttpRequest, HttpResponse } from '../http/http-message.ts'
import type { DocumentReference } from '../http/persisted-query.ts'

/** The part of a prepared operation that the access log describes. */
export interface PreparedOperation {
  readonly document: DocumentNode
  readonly operation: OperationDefinitionNode
}

/** The trace of a sampled request. */
export interface EndingTrace extends Trace {
  /**
   * Ends the span of the request: its response is ready, or the last part of it.
   *
   * @param laterFailure the reason or code of the first error of the parts that came later
   */
  end(response: Pick<HttpResponse, 'status'>, facts: RequestFacts, laterFailure?: string): void
}

const noErrors: readonly ResponseError[] = []

/** One object per request. Each stage leaves here what the stages before it could not know. */
export class RequestFacts implements RequestObserver {
  readonly request: HttpRequest
  readonly requestId: string
  /** As `performance.now()` counts. */
  readonly startedAt = performance.now()
  /** Undefined if the request is not sampled, or nothing is. */
  trace: EndingTrace | undefined
  /** What its calls to subgraphs carry; undefined if that has not been decided. */
  traceContext: TraceContext | undefined
  /** Undefined before authentication, and where a subscription is prepared anew. */
  caller: Caller | undefined
  /** How the client named the document; undefined where documents have no ids. */
  document: DocumentReference | undefined
  /** What that name is; undefined where documents have no ids, and while the manifests cannot be read. */
  documentUse: DocumentUse | undefined
  /** The text of the document. */
  query: string | undefined
  operation: PreparedOperation | undefined
  /**
   * What its execution is estimated to cost, 0 if it is only explained; undefined before authorization, and where cost
   * is not limited.
   */
  cost: number | undefined
  /** The rate that counted it last; undefined where responses do not say what is left. */
  counted: CountedRate | undefined
  /** Set when the request ended without a result. */
  refusal: GatewayError | RequestError | 'unforeseen' | undefined
  /** The errors of the result. */
  errors: readonly ResponseError[] = noErrors
  /** A number from 0 to 1, if one was drawn: whether the access log has its lines. */
  draw: number | undefined
  /** Whether parts of the response come later: its span ends with the last of them. */
  hasLaterParts = false
  denied = 0
  calls = 0
  /** How long at least one call to a subgraph was in flight, in milliseconds. */
  upstream = 0
  #inFlight = 0
  #since = 0

  constructor(request: HttpRequest) {
    this.request = request
    this.requestId = requestIdFrom(request.requestId)
  }

  async duringCall<Result>(call: Promise<Result>): Promise<Result> {
    this.calls++
    if (this.#inFlight++ === 0) this.#since = performance.now()
    try {
      return await call
    } finally {
      if (--this.#inFlight === 0) this.upstream += performance.now() - this.#since
    }
  }

  /** Whether the client went away before its response was ready. */
  get isAbandoned(): boolean {
    return this.request.signal?.reason === 'client gone'
  }
}
