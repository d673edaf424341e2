import { parse, print } from 'graphql'
import { fetchesOf } from '../../gateway/execution/explain-plan.ts'
import type { ExplainedFetch, ExplainedStep } from '../../gateway/execution/explain-plan.ts'
import type { GatewayConfig } from '../../gateway/configuration/gateway-config.ts'
import { subgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import type { SubgraphSettings } from '../../gateway/configuration/subgraphs.ts'
import { StartFailure } from '../../subgraphs/kit/process/start-failure.ts'
import { explainSharing, sharingText } from './explain-sharing.ts'
import type { ExplainedSharing } from './explain-sharing.ts'

/** The subgraph that sends the events of a subscription, and what is fetched for each event. */
export interface ExplainedSubscription {
  readonly subgraph: string
  /** `subgraphs.NAME.subscription_protocol`; null without a configuration. */
  readonly protocol: SubgraphSettings['subscriptionProtocol'] | null
  /** The operation that the subgraph gets. */
  readonly operation: string
  /** In the order of the plan. */
  readonly fetches: readonly EventFetch[]
  /** Null without a configuration. */
  readonly sharing: ExplainedSharing | null
}

/** A request to a subgraph that is sent for each event. */
export interface EventFetch {
  readonly subgraph: string
  /** The place of the objects to which it adds fields; `@` is each element of a list. */
  readonly path: readonly string[]
  readonly operation: string
}

/**
 * Returns how the gateway executes a subscription. Throws a StartFailure for one that it refuses, as it would need
 * several streams.
 *
 * @param plan of what remains after authorization
 */
export function explainSubscription(
  plan: ExplainedStep | null,
  config: GatewayConfig | undefined,
): ExplainedSubscription {
  const isStream = ({ operationKind }: ExplainedFetch) => operationKind === 'subscription'
  const [stream, ...more] = fetchesOf(plan).filter(isStream)
  if (!stream || more.length > 0) {
    throw new StartFailure(
      'the gateway refuses this subscription (SUBSCRIPTIONS_NOT_SUPPORTED): it would need several streams of events',
    )
  }
  const fetches = fetchesOf(plan)
    .filter((fetch) => !isStream(fetch))
    .map(({ subgraph, path, operation }) => ({ subgraph, path, operation }))
  const others = new Set(fetches.map(({ subgraph }) => subgraph))
  others.delete(stream.subgraph)
  return {
    subgraph: stream.subgraph,
    protocol: config
      ? subgraphSettings(config.subgraphs, stream.subgraph).subscriptionProtocol
      : null,
    operation: stream.operation,
    fetches,
    sharing: config ? explainSharing(config, [stream.subgraph, ...others]) : null,
  }
}

/** Returns the lines for a terminal. */
export function subscriptionText(explained: ExplainedSubscription): string[] {
  const { subgraph, protocol, operation, fetches, sharing } = explained
  const by = protocol ? ` (${protocol})` : ''
  const formatted = (text: string) => print(parse(text))
  return [
    `Subscription: ${subgraph} sends the events${by}, and is asked for them by this operation:`,
    '',
    formatted(operation),
    '',
    'For each event, the caller is checked and authorized again, as above. ' +
      (fetches.length === 0 ? 'Nothing else is fetched.' : 'Then the other fields are fetched:'),
    ...fetches.flatMap(({ subgraph, path, operation }) => [
      '',
      `from ${subgraph}, for ${path.join('.') || 'the root object'}:`,
      '',
      formatted(operation),
    ]),
    ...(sharing ? ['', ...sharingText(sharing)] : []),
  ]
}
