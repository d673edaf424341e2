import type { Caller, ClientRequest } from '../client-request.ts'
import { Additions } from '../http/added-to-response.ts'
import { callerOfRequest } from '../http/caller-of-request.ts'
import type { RequestFacts } from './request-facts.ts'
import { readTraceContext } from './trace-context.ts'

/** A request whose response gets what subgraphs add to it. */
export interface ObservedClient extends ClientRequest {
  readonly added: Additions
}

/** Returns what the stages after authentication need of the client of a request; the facts note what they do. */
export function observedClient(caller: Caller, facts: RequestFacts): ObservedClient {
  const { request } = facts
  return {
    caller: callerOfRequest(caller, request),
    requestId: facts.requestId,
    observer: facts,
    signal: request.signal,
    trace: facts.trace,
    traceContext: facts.traceContext ?? readTraceContext(request.headers),
    added: new Additions(),
  }
}
