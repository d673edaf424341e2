/** What a subscription is to the page, however its results come. */
import type { Credential } from './credential.ts'
import type { Operation } from './graph.ts'
import type { GraphResult } from './graph-result.ts'

export interface Listener {
  onResult(result: GraphResult): void
  /** Called once, unless the listener has ended the subscription. */
  onEnd(how: HowItEnded): void
}

/**
 * `refused`: sending the same again would not help. `unauthorized`: it may help with another access token. `lost`: the
 * connection has gone.
 */
export type HowItEnded = 'complete' | 'refused' | 'unauthorized' | 'lost'

export interface Subscription extends Operation {
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Subscribes with a credential; returns the function that ends the subscription. */
export type Subscribe = (
  subscription: Subscription,
  credential: Credential,
  listener: Listener,
) => () => void
