/** Whether the document of a subscription is still accepted: by another configuration, or of another caller. */
import { GatewayError } from '../errors.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { DocumentReference } from '../http/persisted-query.ts'
import { RequestFacts } from '../telemetry/request-facts.ts'
import type { ConnectedCaller } from './connected-caller.ts'

export interface SubscribedDocument {
  /** The text that is executed. */
  readonly query: string
  /** The id in a manifest by which the client named it; undefined: it is judged as a text. */
  readonly id: string | undefined
}

/**
 * Returns the function that returns why the document is no longer accepted; undefined while it is. Another
 * configuration, or what its caller has become, judges it like the document of a new request.
 */
export function documentRefusal(
  { query, id }: SubscribedDocument,
  caller: ConnectedCaller,
  request: HttpRequest,
): () => GatewayError | undefined {
  const reference: DocumentReference = {
    text: id === undefined ? query : undefined,
    id,
    byExtension: false,
  }
  let judgedBy = caller.gateway()
  let judgedFor = caller.now()

  return () => {
    const gateway = caller.gateway()
    const now = caller.now()
    if (gateway === judgedBy && now === judgedFor) return undefined
    judgedBy = gateway
    judgedFor = now
    const facts = new RequestFacts(request)
    facts.caller = now
    try {
      const text = gateway.textOf ? gateway.textOf(reference, facts) : query
      return text === query ? undefined : new GatewayError('PERSISTED_QUERY_NOT_IN_LIST')
    } catch (error) {
      if (error instanceof GatewayError) return error
      throw error
    }
  }
}
