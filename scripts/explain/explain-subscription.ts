import type { FetchNode } from '@apollo/query-planner'
import { parse, print } from 'graphql'
import type { DocumentNode } from 'graphql'
import { replaceFetches } from '../../gateway/planning/plan-nodes.ts'
import { operationPlanner } from '../../gateway/planning/plan-operation.ts'
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
 * Returns how the gateway executes a subscription, with the planner that it has. Throws a StartFailure
 * for one that it refuses, as it would need several streams.
 *
 * @param supergraph its text without guards
 * @param document what remains after authorization
 */
export function explainSubscription(
  supergraph: string,
  document: DocumentNode,
  operationName: string | undefined,
  config: GatewayConfig | undefined,
): ExplainedSubscription {
  const { node } = operationPlanner(supergraph).plan({ document, operationName })
  const streams: FetchNode[] = []
  const fetches: EventFetch[] = []
  if (node && node.kind !== 'Subscription') {
    replaceFetches(node, (fetch, path) => {
      const { serviceName: subgraph, operationKind } = fetch
      if (operationKind === 'subscription') streams.push(fetch)
      else fetches.push({ subgraph, path, operation: fetch.operation })
      return fetch
    })
  }
  const [stream, ...more] = streams
  if (!stream || more.length > 0) {
    throw new StartFailure(
      'the gateway refuses this subscription (SUBSCRIPTIONS_NOT_SUPPORTED): it would need several streams of events',
    )
  }
  const others = new Set(fetches.map(({ subgraph }) => subgraph))
  others.delete(stream.serviceName)
  return {
    subgraph: stream.serviceName,
    protocol: config
      ? subgraphSettings(config.subgraphs, stream.serviceName).subscriptionProtocol
      : null,
    operation: stream.operation,
    fetches,
    sharing: config ? explainSharing(config, [stream.serviceName, ...others]) : null,
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
