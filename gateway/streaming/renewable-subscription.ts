/** A subscription that can be prepared anew while it lives, as what serves it or its caller has changed. */
import type { ClientRequest } from '../client-request.ts'
import { errorTable, GatewayError } from '../errors.ts'
import { RequestError } from '../graphql/response-error.ts'
import type { ResponseError } from '../graphql/response-error.ts'
import { errorsOf } from '../http/error-response.ts'
import type { OperationResult } from '../http/result-response.ts'
import type { LiveSubscription, SubscriptionListener } from './live-subscription.ts'
import type { Upstream } from './upstream.ts'

/** Prepares a subscription by the schema version that serves now; what is not a subscription is its denial. */
export type PrepareSubscription = (
  client: ClientRequest,
) => Promise<LiveSubscription | OperationResult>

export class RenewableSubscription implements LiveSubscription {
  #prepared: LiveSubscription
  readonly #prepare: PrepareSubscription

  constructor(prepared: LiveSubscription, prepare: PrepareSubscription) {
    this.#prepared = prepared
    this.#prepare = prepare
  }

  /** Opens the stream as it was prepared last. */
  open(client: ClientRequest, listener: SubscriptionListener): Upstream {
    return this.#prepared.open(client, listener)
  }

  /**
   * Prepares it anew. Returns the errors for its client if that is not possible: its document is not valid
   * any longer, or nothing of it is left for the caller. Rejects for other reasons.
   */
  async renew(client: ClientRequest): Promise<readonly ResponseError[]> {
    try {
      const prepared = await this.#prepare(client)
      if (!('open' in prepared)) return prepared.errors
      // The earlier one would keep its schema version in memory.
      this.#prepared = prepared
      return []
    } catch (error) {
      // The document was valid when the subscription began: the schema makes the difference.
      const isInvalid =
        error instanceof RequestError || (error instanceof GatewayError && error.row.status === 400)
      if (isInvalid) return errorsOf(error).map(afterReload)
      throw error
    }
  }
}

function afterReload(error: ResponseError): ResponseError {
  const { code, message } = errorTable.SUBSCRIPTION_SCHEMA_RELOAD
  return { ...error, message: `${message}: ${error.message}`, extensions: { code, reason: code } }
}
